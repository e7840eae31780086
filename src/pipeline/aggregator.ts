/** The contract of an aggregator: how values of one key (and window) are folded into one result. */

/**
 * A fold. `A` is the accumulator kept in state between records.
 *
 * `extract` runs first for every field of a step, before any accumulator changes: it is the only
 * place where the user's function runs, and it may throw. `add`, `merge` and `result` must not
 * throw on what `extract` gave. Accumulators are persistent values: `add` returns the next one and
 * leaves the one it was given valid, so that a record can be undone by putting the old one back
 * (growing ones share their storage; see `collect`).
 */
export interface Aggregator<V, R, A, E> {
  readonly kind: string
  extract(value: V): E
  init(): A
  add(accumulator: A, extracted: E): A
  /**
   * Joins two accumulators, `first` holding the earlier records; null where that is not possible.
   */
  readonly merge: ((first: A, second: A) => A) | null
  result(accumulator: A): R
  /** To and from what the state store keeps; null: the accumulator itself is kept. */
  readonly state: { toState(accumulator: A): unknown; fromState(state: unknown): A } | null
}

/** An aggregator whose inner types are its own business. */
export interface AggregatorOf<V, R> extends Aggregator<V, R, unknown, unknown> {}

/** For the engine, which stores accumulators without looking into them. */
export type AnyAggregator = AggregatorOf<unknown, unknown>
