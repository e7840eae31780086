/**
 * `first` and `last`: by order of arrival, not of event time: an accumulator is not told the time.
 * Where it matters, `reduce` on the time in the value.
 */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction } from './aggregator-of.ts'

/** null: no record yet. A value of its own may be null or undefined. */
type Kept<R> = { readonly value: R } | null

/**
 * The value of the record that came first. Order of arrival: a record that comes late, but in time
 * for its window, is not first, whatever its event time.
 * @param fn what to keep of the value; default: all
 * @example
 * from(visits).keyBy((v) => v.session).aggregate({ landing: first((v) => v.page) })
 */
export function first<V>(): AggregatorOf<V, V>
export function first<V, R>(fn: (value: V) => R): AggregatorOf<V, R>
export function first(fn: (value: unknown) => unknown = itself): AggregatorOf<unknown, unknown> {
  return edge('first', fn, (earlier, later) => earlier ?? later)
}

/**
 * The value of the record that came last. Order of arrival, as with `first`.
 * @param fn what to keep of the value; default: all
 * @example
 * from(visits).keyBy((v) => v.session).aggregate({ exit: last((v) => v.page) })
 */
export function last<V>(): AggregatorOf<V, V>
export function last<V, R>(fn: (value: V) => R): AggregatorOf<V, R>
export function last(fn: (value: unknown) => unknown = itself): AggregatorOf<unknown, unknown> {
  return edge('last', fn, (earlier, later) => later ?? earlier)
}

function edge(
  kind: string,
  fn: (value: unknown) => unknown,
  choose: (earlier: Kept<unknown>, later: Kept<unknown>) => Kept<unknown>,
): AggregatorOf<unknown, unknown> {
  needsFunction(kind, fn)
  return aggregatorOf<unknown, unknown, Kept<unknown>, { readonly value: unknown }>({
    kind,
    extract: (value) => ({ value: fn(value) }),
    init: () => null,
    add: choose,
    merge: choose,
    // Which of the rest is first or last, nobody keeps.
    retract: null,
    retracting: null,
    result: (accumulator) => accumulator?.value,
    state: null,
  })
}

const itself = (value: unknown): unknown => value
