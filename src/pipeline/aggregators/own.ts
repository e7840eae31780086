/** `aggregator`: one's own, from a few functions. */
import { MillraceError } from '../../core/error.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf } from './aggregator-of.ts'

/** The functions an aggregator is made of. None of them may change what it is given. */
export interface OwnAggregator<V, A, R> {
  /** The accumulator before the first record. */
  readonly init: () => A
  /** The accumulator with one value more: a new one. */
  readonly add: (accumulator: A, value: V) => A
  /**
   * Two accumulators in one, `first` being that of the earlier records. Without it there are no
   * session windows, and none that overlap.
   */
  readonly merge?: (first: A, second: A) => A
  /** What is given of the accumulator. Default: the accumulator. */
  readonly result?: (accumulator: A) => R
  /**
   * The accumulator without one value that was added: as if it had never come. Without it there is
   * no aggregating of regrouped tables.
   */
  readonly retract?: (accumulator: A, value: V) => A
  /**
   * What plans call it, and what tells its state from that of another: change it when the
   * accumulator's shape changes. Default: `'aggregator'`.
   */
  readonly kind?: string
  /** For accumulators that are not plain data: to such, and back. Default: kept as they are. */
  readonly state?: {
    readonly toState: (accumulator: A) => unknown
    readonly fromState: (state: never) => A
  }
}

/**
 * An aggregator of one's own. The accumulator is any plain data (what structured clone keeps), or
 * anything with `state`.
 *
 * Its functions are pure: they give the same for the same, and **never change the accumulator they
 * are given** but make a new one (`[...list, value]`, `{ ...sums, total }`), because the one before
 * is put back where a record is undone. They may throw: then the record has changed nothing and
 * goes to the dead letters; where `merge` or `result` throws as a window closes, the letter stands
 * for the window's result.
 * @throws `invalid-argument` where `init` or `add` is missing or one of them is no function
 * @example
 * const product = aggregator({
 *   init: () => 1,
 *   add: (soFar, reading: { celsius: number }) => soFar * reading.celsius,
 *   merge: (first, second) => first * second,
 * })
 * from(readings).window(tumbling('1m')).aggregate({ product })
 */
export function aggregator<V, A, R = A>(own: OwnAggregator<V, A, R>): AggregatorOf<V, R> {
  const { init, add, merge, result, retract, kind = 'aggregator', state } = checked(own)
  return aggregatorOf<V, R, A, V>({
    kind,
    extract: (value) => value,
    init,
    add,
    merge: merge ?? null,
    retract: retract ?? null,
    retracting: null,
    // Without `result` R is A.
    result: result ?? ((accumulator) => accumulator as unknown as R),
    state: state === undefined ? null : (state as NonNullable<typeof state> & FromAny<A>),
  })
}

interface FromAny<A> {
  fromState(state: unknown): A
}

function checked<V, A, R>(own: OwnAggregator<V, A, R>): OwnAggregator<V, A, R> {
  if (typeof own !== 'object' || own === null) throw refuse('an object of functions')
  for (const name of ['init', 'add'] as const) {
    if (typeof own[name] !== 'function') throw refuse(`a function '${name}'`)
  }
  for (const name of ['merge', 'result', 'retract'] as const) {
    const given = own[name]
    if (given !== undefined && typeof given !== 'function') throw refuse(`'${name}' as a function`)
  }
  const { kind, state } = own
  if (kind !== undefined && (typeof kind !== 'string' || kind === '')) {
    throw refuse("'kind' as a text")
  }
  const isState =
    state === undefined ||
    (typeof state?.toState === 'function' && typeof state.fromState === 'function')
  if (!isState) throw refuse("'state' as { toState, fromState }")
  return own
}

function refuse(rule: string): MillraceError {
  return new MillraceError('invalid-argument', `aggregator takes ${rule}`, {
    hint: 'for instance aggregator({ init: () => 0, add: (sum, value) => sum + value.amount })',
  })
}
