/**
 * The contract of a source: something outside the log whose records are appended to a topic by
 * `runSource` (source-runner.ts). `source.conformance.ts` is the suite that each source passes.
 *
 * A source keeps no place of its own. Every batch comes with a position, which is committed in the
 * same atomic step as the batch's records; after a crash the source is opened at the last committed
 * one. So a replayable source is exactly-once into its topic, with nothing more to do for it.
 *
 * S1 Opened at a position, a replayable source gives exactly the records that came after it: the
 *    same ones in the same order, however they are cut into batches.
 * S2 Positions grow: no batch has an earlier position than the batch before it.
 * S3 When the signal fires, the iteration ends soon, also while it waits, and lets go of what it
 *    holds. The same holds for `return()` of the iterator.
 * S4 A batch holds at most `sourceBatchRecordsMax` records; nothing is given that is not asked for.
 *
 * And what a source may rely on: the next batch is asked for when the one before is committed, also
 * when the run ends. So what comes after a `yield` is the place to acknowledge what it gave; where
 * the iteration is ended by `return()`, it was not committed, or nobody knows.
 */
import type { Clock } from '../core/clock.ts'
import type { MillraceError } from '../core/error.ts'
import type { Random } from '../core/random.ts'
import type { SourceSpec } from '../pipeline/source-spec.ts'

/** Most records of one batch: a batch is one commit, held in memory as a whole. */
export const sourceBatchRecordsMax = 10_000

/** One record, encoded. */
export interface SourceRecord {
  /** null: no key. Text stands for its UTF-8 bytes. */
  readonly key: string | Uint8Array | null
  /** null: a tombstone. Text stands for its UTF-8 bytes. */
  readonly value: string | Uint8Array | null
  /** Record time, ms since 1970: when it happened, as far as the source knows. Finite. */
  readonly time: number
  /** Where it is to go; absent: chosen by the key, as everywhere. [L7] */
  readonly partition?: number
  /**
   * What tells it from every other one, where the outside gives one twice: `from(source,
   * { dedupe })` leaves out a record whose id was committed before.
   */
  readonly id?: string
}

/** Records that are committed together, in the order in which they shall stand in the topic. */
export interface SourceBatch<P> {
  /** May be empty, where only the position moved. */
  readonly records: readonly SourceRecord[]
  /** The place after these records: what `open` will be given after a crash. */
  readonly position: P
  /**
   * What came and can be no record, as one too large: told and counted when the batch is committed,
   * and let go.
   */
  readonly refused?: readonly MillraceError[]
}

/**
 * Something that gives records. One value may be opened many times, one after the other.
 *
 * `P` is the position: plain data (what structured clone keeps), small, as it is written with every
 * commit. Only its source looks into it.
 */
export interface Source<P> extends SourceSpec {
  /**
   * True: the source keeps S1, and its records are in the topic exactly once. False: it gives what
   * happens now (a sensor, a socket): what happened while nobody listened, and what was in hand at
   * a crash, is gone; what was committed is there once.
   */
  readonly replayable: boolean
  /**
   * Starts to give records. Called by the runner at its start, and again after a failure when the
   * earlier iteration has ended; never twice at a time.
   *
   * The next batch is asked for when the one before is committed: that is the whole back-pressure.
   * Records and their bytes belong to the runner from `yield` on.
   * @param position that of the last committed batch; null: from the beginning
   * @returns batches; the end of the iteration says that the source has nothing more, ever
   * @throws `source-failed` (tried again later) · any MillraceError with `retry: 'never'` (ends the
   * run) · anything else counts as `source-failed`
   */
  open(position: P | null, context: SourceContext): AsyncIterable<SourceBatch<P>>
}

/** What a source is given when it is opened. */
export interface SourceContext {
  /** Fires when the iteration shall end; what is in hand may still be given. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  /**
   * Tells people what no error tells: that a file was cut short and is read anew. One clause, in
   * lower case; not for what happens with every batch.
   */
  readonly notice: (text: string) => void
}
