/**
 * The contract of a sink: something outside the log that records of a pipeline are given to. A
 * pipeline appends them to the sink's outbox, a topic, in its commit; `deliver` (delivery/) takes
 * them from there. `sink.conformance.ts` is the suite that each sink passes.
 *
 * What delivery owes to every sink, and a sink may rely on:
 *
 * D1 Records of one key are given in the order of their offsets, each after the one before it was
 *    taken or given up. Those without key have no order; `order` says otherwise.
 * D2 Every record is given until it was taken or given up: at least once, after a crash perhaps
 *    again. Its `id` is the same each time, and no other record's.
 * D3 A record that is given up is a dead letter: `<outbox>.dead` holds it once, with the reason.
 * D4 At most `concurrency` attempts run at a time in a process, each for at most `timeout`; then
 *    its signal fires and it counts as failed. What is held of the outbox is bounded in bytes.
 * D5 A destination that is away costs no record a try, and is asked ever more rarely; the pipeline,
 *    and every other sink, go on.
 * D6 A partition of the outbox has one deliverer: whoever took over fences the earlier one, which
 *    commits nothing any more. It may still have attempts under way, that end soon.
 *
 * What a sink owes:
 *
 * K1 `deliver` resolves when the destination has taken all the records given, for good; it rejects
 *    where it has not, or where that is not known.
 * K2 A record given again, with the id that it had, does no harm, as far as the destination can
 *    know ids at all; a sink's docs say how far.
 * K3 It says what failed: `sink-refused` (trying again would not help), `sink-unavailable` (nothing
 *    can be delivered now); anything else counts as a failure of the record.
 * K4 When the signal fires, it ends soon and lets go of what it holds.
 * K5 An exactly-once sink keeps its position together with what it writes, in one atomic step, and
 *    lets nobody write who has been fenced.
 */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { SinkOf } from '../pipeline/sink-spec.ts'
import type { DeliverySpec } from './delivery/delivery-options.ts'

/** A record on its way out. It and its value belong to the sink from then on. */
export interface SinkRecord<out V = unknown, out K = unknown> {
  /** `topic/partition/offset` of the outbox: the idempotency key. */
  readonly id: string
  readonly key: K
  readonly value: V
  /** Event time, ms since 1970. */
  readonly time: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** One try. */
export interface Attempt {
  /** 1 for the first try of these records since the process has them. */
  readonly number: number
  /** Fires when the time is over, or when the run ends in a hurry. */
  readonly signal: AbortSignal
}

/** What a sink is given when it is opened. */
export interface SinkContext {
  readonly clock: Clock
  readonly random: Random
  /** Fires when the opening shall be given up. */
  readonly signal: AbortSignal
}

interface SinkBase<V, K> extends SinkOf<V, K> {
  readonly delivery: DeliverySpec
}

/** A sink that takes records, each at least once. */
export interface DeliveringSink<V = unknown, K = unknown> extends SinkBase<V, K> {
  readonly guarantee: 'at-least-once'
  /**
   * Called by delivery before the first record, and again after a failure by which the destination
   * is away; the connection before is closed then. One at a time in a process.
   * @throws as `deliver`; a MillraceError whose `retry` is `never` ends the run
   */
  open(context: SinkContext): Promise<SinkConnection<V, K>>
}

export interface SinkConnection<in V = unknown, in K = unknown> {
  /**
   * Gives records to the destination: 1 to `batch` of them, those of one key in order. Several
   * calls may be under way, never with records of one key.
   * @throws `sink-refused`: where one of several is refused, they are given again one by one ·
   * `sink-unavailable` · anything
   */
  deliver(records: readonly SinkRecord<V, K>[], attempt: Attempt): Promise<void>
  /** Called once, when no `deliver` is under way. */
  close(): Promise<void>
}

/** A sink that takes records exactly once: it keeps the position with them. */
export interface TransactionalSink<V = unknown, K = unknown> extends SinkBase<V, K> {
  readonly guarantee: 'exactly-once'
  /** As with `DeliveringSink`. */
  open(context: SinkContext): Promise<TransactionalConnection<V, K>>
}

export interface TransactionalConnection<in V = unknown, in K = unknown> {
  /**
   * Takes a partition of the outbox over: from now on whoever had it with a lower epoch writes
   * nothing any more. [K5]
   */
  take(place: OutboxPlace, attempt: Attempt): Promise<SinkPartition<V, K>>
  close(): Promise<void>
}

export interface OutboxPlace {
  readonly topic: string
  readonly partition: number
  /** Grows with each owner of the partition. */
  readonly epoch: number
}

export interface SinkPartition<in V = unknown, in K = unknown> {
  /** The next offset that the destination wants; null: it has nothing of the partition yet. */
  readonly position: number | null
  /**
   * Writes records and the position behind them, all or nothing. One call at a time.
   * @param records in order of offset; may be none, where only the position moves
   * @throws as `deliver`; `task-fenced` where another owner has the partition
   */
  write(records: readonly SinkRecord<V, K>[], nextOffset: number, attempt: Attempt): Promise<void>
}

export type Sink<V = unknown, K = unknown> = DeliveringSink<V, K> | TransactionalSink<V, K>
