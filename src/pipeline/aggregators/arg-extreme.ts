/** `argMin` and `argMax`: the record with the least or greatest of something. */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction } from './aggregator-of.ts'
import { arrivalsAggregator } from './arrivals.ts'
import type { Given } from './arrivals.ts'
import { isLess, ordered } from './extreme.ts'
import type { Ordered } from './extreme.ts'
import { least } from './ordered-tree.ts'

/**
 * The value whose `by` is least; of equal ones the first that came. `by` is compared as by `min`:
 * numbers, bigints and Dates by size, strings by UTF-16 code units; a record for which it is NaN,
 * an invalid Date or of another type goes to the dead letters. Merging keeps the earlier of equal
 * ones.
 *
 * Over a table every value is kept; one that leaves is found by its content.
 * @param by what to compare of the value
 * @param give what to keep of the value; default: all. May be null or undefined
 * @example
 * from(offers).keyBy((o) => o.product).aggregate({ shop: argMin((o) => o.price, (o) => o.shop) })
 */
export function argMin<V>(by: (value: V) => Ordered): AggregatorOf<V, V>
export function argMin<V, R>(by: (value: V) => Ordered, give: (value: V) => R): AggregatorOf<V, R>
export function argMin(
  by: (value: unknown) => Ordered,
  give: (value: unknown) => unknown = itself,
): AggregatorOf<unknown, unknown> {
  return argExtreme('argMin', by, give, isLess)
}

/**
 * The value whose `by` is greatest; of equal ones the first that came. Compares, refuses and keeps
 * as `argMin` does.
 * @param by what to compare of the value
 * @param give what to keep of the value; default: all. May be null or undefined
 * @example
 * from(bids).window(tumbling('10m')).aggregate({ highest: argMax((b) => b.price) })
 */
export function argMax<V>(by: (value: V) => Ordered): AggregatorOf<V, V>
export function argMax<V, R>(by: (value: V) => Ordered, give: (value: V) => R): AggregatorOf<V, R>
export function argMax(
  by: (value: unknown) => Ordered,
  give: (value: unknown) => unknown = itself,
): AggregatorOf<unknown, unknown> {
  return argExtreme('argMax', by, give, (candidate, kept) => isLess(kept, candidate))
}

/** null: no record yet. */
type Kept = Given<Ordered, unknown> | null

function argExtreme(
  kind: string,
  by: (value: unknown) => Ordered,
  give: (value: unknown) => unknown,
  replaces: (candidate: Ordered, kept: Ordered) => boolean,
): AggregatorOf<unknown, unknown> {
  needsFunction(kind, by)
  needsFunction(kind, give)
  const extract = (value: unknown): Given<Ordered, unknown> => ({
    by: ordered(kind, by(value)),
    given: give(value),
  })
  const better = (kept: Kept, candidate: Kept): Kept => {
    if (kept === null || candidate === null) return kept ?? candidate
    return replaces(candidate.by, kept.by) ? candidate : kept
  }
  return aggregatorOf<unknown, unknown, Kept, Given<Ordered, unknown>>({
    kind,
    extract,
    init: () => null,
    add: better,
    merge: better,
    retract: null,
    retracting: arrivalsAggregator<unknown, unknown, Ordered, unknown>({
      kind,
      extract,
      rank: (a, b) => Number(replaces(b, a)) - Number(replaces(a, b)),
      result: (ranked) => least(ranked)?.given,
    }),
    result: (kept) => kept?.given,
    state: null,
  })
}

const itself = (value: unknown): unknown => value
