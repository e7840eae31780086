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
  /** Where it goes: partition 0 of this topic. */
  readonly topic: string
  readonly key: string
  readonly timeMs: number
  /** Told how the records were shared out. */
  value(runs: readonly { readonly partition: number; readonly count: number }[]): string
}

/** A batch that is being filled, and its place among the batches. */
interface OpenBatch {
  readonly builder: BatchBuilder
  readonly batch: number
  readonly topic: string
  readonly partition: number
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
  /** Of each partition. */
  readonly #open = new Map<number, OpenBatch>()
  #notes: OpenBatch | null = null
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
    if (options.note !== null) this.#keep(options.note, pieces)
    return new Promise((resolve, reject) => {
      this.#gathered.waiting.push({ pieces, resolve, reject })
      // What comes in the same turn of the loop goes with it.
      this.#inFlight ??= Promise.resolve().then(() => this.#appendAll())
    })
  }

  /** One batch takes the notes of all requests of an append. */
  #keep(note: Note, pieces: readonly Piece[]): void {
    const { key, timeMs } = note
    const runs = pieces.map(({ batch, count }) => {
      return { partition: this.#gathered.batches[batch]?.partition ?? 0, count }
    })
    this.#notes ??= this.#begin(note.topic, 0)
    this.#notes.builder.add(key, note.value(runs), timeMs)
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
        this.#close(open)
        this.#open.delete(partition)
      }
    }
    return pieces
  }

  #builderOf(partition: number): OpenBatch {
    const known = this.#open.get(partition)
    if (known !== undefined) return known
    const opened = this.#begin(this.#topic, partition)
    this.#open.set(partition, opened)
    return opened
  }

  #begin(topic: string, partition: number): OpenBatch {
    const { batches } = this.#gathered
    const builder = this.#spare.pop() ?? new BatchBuilder()
    // Keeps its place until the block is there.
    batches.push({ topic, partition, bytes: nothing })
    return { builder, batch: batches.length - 1, topic, partition }
  }

  #close({ builder, batch, topic, partition }: OpenBatch): void {
    this.#gathered.batches[batch] = { topic, partition, bytes: builder.finish() }
    this.#spare.push(builder)
  }

  async #appendAll(): Promise<void> {
    while (this.#gathered.waiting.length > 0) {
      for (const open of this.#open.values()) this.#close(open)
      this.#open.clear()
      if (this.#notes !== null) this.#close(this.#notes)
      this.#notes = null
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
