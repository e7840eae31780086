/** The contract of an aggregator: how values of one key (and window) are folded into one result. */

/**
 * A fold. `A` is the accumulator kept in state between records, `E` what it takes of a value.
 *
 * `extract` runs first for every field of a step, before any accumulator changes: it is where the
 * user's function runs. It may throw. So may `add`, `retract`, `merge` and `result` where they run
 * functions of the user (`aggregator`) or meet values that do not go together (`sum` of numbers and
 * bigints): a record is undone as a whole, what a window would have given comes as a dead letter.
 *
 * Accumulators are persistent values: `add` and `retract` return the next one and leave the one
 * they were given valid, at least until the next record begins, so that a record can be undone by
 * putting back the accumulator from before it. Within a record any number of steps follow each
 * other, each on the result of the one before; whatever was made after the accumulator put back is
 * dropped. Growing accumulators therefore share their storage: by a length (`collect`) or by a list
 * of changes (`version.ts`). What `merge` gives stays right whatever is added to its inputs later,
 * and the other way round. `result` and `toState` give values of their own.
 */
export interface Aggregator<V, R, A, E> {
  /** What the step's state is checked against at a restart: names the settings that shape it. */
  readonly kind: string
  extract(value: V): E
  init(): A
  add(accumulator: A, extracted: E): A
  /**
   * Joins two accumulators, `first` holding the earlier records; null where that is not possible.
   */
  readonly merge: ((first: A, second: A) => A) | null
  /**
   * Takes one value out again, as if it had never been added; of several equal ones the one added
   * first. For results whose records move between groups (tables). Null where this accumulator
   * cannot. After as many calls as there were adds nothing is kept, and `result` is not asked.
   * @throws `step-failed` where it shows that the value was never added: the user's function must
   * give the same for the same value
   */
  readonly retract: ((accumulator: A, extracted: E) => A) | null
  /**
   * The same aggregate over an accumulator that can take values back, and keeps more for it. Null
   * where `retract` is there already, or where no accumulator can.
   */
  readonly retracting: AggregatorOf<V, R> | null
  /** Only asked for after a record. */
  result(accumulator: A): R
  /** To and from what the state store keeps; null: the accumulator itself is kept. */
  readonly state: { toState(accumulator: A): unknown; fromState(state: unknown): A } | null
}

/** An aggregator whose inner types are its own business. */
export interface AggregatorOf<V, R> extends Aggregator<V, R, unknown, unknown> {}

/** For the engine, which stores accumulators without looking into them. */
export type AnyAggregator = AggregatorOf<unknown, unknown>
