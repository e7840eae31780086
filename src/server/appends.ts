/**
 * Records of requests on their way to one topic. One append is on its way at a time; requests that
 * come meanwhile go together in the next one, so that many small ones share an fsync. A request is
 * in one append as a whole: all of it is written, or nothing.
 */
import { messageOf, MillraceError } from '../core/error.ts'
import { BatchBuilder, type Header } from '../log/batch.ts'
import type { AppendBatch, Appended, Log } from '../log/log.ts'
import { KeylessPartitioner, partitionOf, partitionOfText } from '../log/partitioner.ts'

/** Records of a batch: a row of the embedded log. */
const batchRecordsMax = 500
/** A batch is closed at this size, whatever its count. */
const batchBytesSoftMax = 262_144

/** Records that lie one behind the other. */
export interface Run {
  readonly partition: number
  /** Offset of the first; null where it is not known any more. */
  readonly first: number | null
  readonly count: number
}

export interface RecordList {
  readonly count: number
  key(i: number): string | Uint8Array | null
  value(i: number): string | Uint8Array
}

/** A note to be kept in the same append as the records that it speaks of. */
export interface Note {
  /** Set on the first record of each run, so that it can be found again. */
  readonly header: Header
  /** What is to be appended beside the records, told how these were shared out. */
  batch(runs: readonly { readonly partition: number; readonly count: number }[]): AppendBatch
}

interface Piece {
  readonly batch: number
  readonly index: number
  count: number
}

interface Waiting {
  readonly pieces: readonly Piece[]
  readonly resolve: (runs: Run[]) => void
  readonly reject: (thrown: unknown) => void
}

interface Gathered {
  batches: AppendBatch[]
  waiting: Waiting[]
}

export class TopicAppends {
  readonly #log: Log
  readonly #topic: string
  readonly #keyless = new KeylessPartitioner()
  /** The batch that is being filled for each partition, and its place among the batches. */
  readonly #open = new Map<number, { builder: BatchBuilder; batch: number }>()
  readonly #spare: BatchBuilder[] = []
  #gathered: Gathered = { batches: [], waiting: [] }
  #inFlight: Promise<void> | null = null

  constructor(log: Log, topic: string) {
    this.#log = log
    this.#topic = topic
  }

  /** Nothing is gathered or on its way. */
  get isIdle(): boolean {
    return this.#inFlight === null && this.#gathered.waiting.length === 0
  }

  /**
   * @returns where the records lie, when they are on disk
   * @throws what `Log.append` throws
   */
  add(
    records: RecordList,
    options: { readonly partitions: number; readonly timeMs: number; readonly note: Note | null },
  ): Promise<Run[]> {
    const pieces = this.#share(records, options)
    const { note } = options
    if (note !== null) {
      const { batches } = this.#gathered
      batches.push(
        note.batch(
          pieces.map(({ batch, count }) => ({ partition: this.#partitionOf(batch), count })),
        ),
      )
    }
    return new Promise((resolve, reject) => {
      this.#gathered.waiting.push({ pieces, resolve, reject })
      // What comes in the same turn of the loop goes with it.
      this.#inFlight ??= Promise.resolve().then(() => this.#appendAll())
    })
  }

  #partitionOf(batch: number): number {
    return this.#gathered.batches[batch]?.partition ?? 0
  }

  /** Puts each record into the open batch of its partition. */
  #share(
    records: RecordList,
    {
      partitions,
      timeMs,
      note,
    }: { readonly partitions: number; readonly timeMs: number; readonly note: Note | null },
  ): Piece[] {
    const pieces: Piece[] = []
    const last = new Map<number, Piece>()
    const headers = note === null ? null : [note.header]
    for (let i = 0; i < records.count; i++) {
      const key = records.key(i)
      const partition =
        key === null
          ? this.#keyless.next(partitions)
          : typeof key === 'string'
            ? partitionOfText(key, partitions)
            : partitionOf(key, partitions)
      const open = this.#builderOf(partition)
      let piece = last.get(partition)
      if (piece?.batch === open.batch) {
        piece.count += 1
        open.builder.add(key, records.value(i), timeMs)
      } else {
        piece = { batch: open.batch, index: open.builder.count, count: 1 }
        pieces.push(piece)
        last.set(partition, piece)
        open.builder.add(key, records.value(i), timeMs, headers ?? undefined)
      }
      if (open.builder.count >= batchRecordsMax || open.builder.payloadBytes >= batchBytesSoftMax) {
        this.#close(partition, open)
      }
    }
    return pieces
  }

  #builderOf(partition: number): { builder: BatchBuilder; batch: number } {
    const known = this.#open.get(partition)
    if (known !== undefined) return known
    const { batches } = this.#gathered
    const opened = { builder: this.#spare.pop() ?? new BatchBuilder(), batch: batches.length }
    // Keeps its place until the block is there.
    batches.push({ topic: this.#topic, partition, bytes: nothing })
    this.#open.set(partition, opened)
    return opened
  }

  #close(
    partition: number,
    { builder, batch }: { readonly builder: BatchBuilder; readonly batch: number },
  ): void {
    this.#gathered.batches[batch] = { topic: this.#topic, partition, bytes: builder.finish() }
    this.#open.delete(partition)
    this.#spare.push(builder)
  }

  async #appendAll(): Promise<void> {
    while (this.#gathered.waiting.length > 0) {
      for (const [partition, open] of this.#open) this.#close(partition, open)
      const { batches, waiting } = this.#gathered
      this.#gathered = { batches: [], waiting: [] }
      try {
        const appended = await this.#log.append(batches)
        for (const { pieces, resolve } of waiting) resolve(runsOf(pieces, appended))
      } catch (thrown) {
        const told = withOutcome(thrown)
        for (const { reject } of waiting) reject(told)
      }
    }
    this.#inFlight = null
  }
}

const nothing = new Uint8Array(0)

function runsOf(pieces: readonly Piece[], appended: readonly Appended[]): Run[] {
  return mergeRuns(
    pieces.map(({ batch, index, count }) => {
      const { partition, baseOffset } = appended[batch] as Appended
      return { partition, first: baseOffset + index, count }
    }),
  )
}

/** Runs that follow each other become one; in order of partition, then offset. */
export function mergeRuns(runs: readonly Run[]): Run[] {
  const merged: Run[] = []
  const order = runs.toSorted(
    (a, b) => a.partition - b.partition || (a.first ?? 0) - (b.first ?? 0),
  )
  for (const run of order) {
    const before = merged.at(-1)
    const follows =
      before?.partition === run.partition &&
      before.first !== null &&
      before.first + before.count === run.first
    if (before !== undefined && follows) {
      merged[merged.length - 1] = { ...before, count: before.count + run.count }
    } else merged.push(run)
  }
  return merged
}

/** Says what a sender has to know where the log does not know whether it wrote. */
function withOutcome(thrown: unknown): unknown {
  if (!(thrown instanceof MillraceError) || thrown.outcome !== 'unknown') return thrown
  return new MillraceError(thrown.code, `${messageOf(thrown)}; the records may have been written`, {
    cause: thrown,
    outcome: 'unknown',
  })
}
