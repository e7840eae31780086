/**
 * Reads committed records on the caller's thread: a select of some batches at a time, within a
 * bound of bytes. Readers and sessions share one connection; none of them holds a transaction open
 * between calls. [L2, L3, L6]
 */
import { MillraceError } from '../../core/error.ts'
import { RecordBatch } from '../batch.ts'
import type { TopicPartition } from '../log.ts'
import { type Store, storeError } from './db.ts'
import { checkOffset } from './errors.ts'

/** An input where reading begins. */
export interface StartingInput extends TopicPartition {
  readonly partId: number
  readonly offset: number
}

const prefetchBytesDefault = 8 << 20
/**
 * One select reads no more than this, so that it holds the thread up for less than a millisecond.
 */
const fetchBytesMax = 1 << 20
const fetchRowsMax = 64

interface BatchRow {
  readonly base: number
  readonly next: number
  readonly bytes: number
  readonly data: Uint8Array
  /** The partition's start; null where its topic was deleted. */
  readonly start: number | null
}

interface Cursor extends StartingInput {
  /** Next offset that `poll` gives. */
  offset: number
  /** Next offset that a select asks for. */
  fetchOffset: number
  fetched: BatchRow[]
  /** Where the data version stands at which nothing more was found; -1 where more may be there. */
  emptyAt: number
  endOffset: number
  endAt: number
  /** Bytes of the batch read last: how many fit the bound is guessed from it. */
  lastBytes: number
}

/** From the cursor's offset on, or from the partition's start where that was moved past it. */
const selectBatches = `SELECT base_offset AS base, next_offset AS next, bytes, data,
    (SELECT start_offset FROM partitions WHERE id = ?) AS start
  FROM batches WHERE part_id = ? AND next_offset > MAX(?,
    COALESCE((SELECT start_offset FROM partitions WHERE id = ?), 0))
  ORDER BY next_offset LIMIT ?`
const selectPlace = 'SELECT start_offset AS start, next_offset AS next FROM partitions WHERE id = ?'

/** Positions on some partitions of one file. */
export class InputCursors {
  readonly #store: Store
  readonly #cursors: readonly Cursor[]
  readonly #bytesMax: number
  #heldBytes = 0
  /** Told of a hole that retention left in front of the reader. */
  readonly #onSkip: (input: number, recordCount: number) => void

  constructor(
    store: Store,
    inputs: readonly StartingInput[],
    options: {
      prefetchBytesMax?: number | undefined
      onSkip?: (input: number, recordCount: number) => void
    },
  ) {
    this.#store = store
    this.#bytesMax = options.prefetchBytesMax ?? prefetchBytesDefault
    this.#onSkip = options.onSkip ?? (() => undefined)
    this.#cursors = inputs.map(({ topic, partition, partId, offset }) => ({
      topic,
      partition,
      partId,
      offset,
      fetchOffset: offset,
      fetched: [],
      emptyAt: -1,
      endOffset: offset,
      endAt: -1,
      lastBytes: 1,
    }))
  }

  /** @throws `log-damaged` · `log-failed` · `invalid-argument` */
  poll(input: number): RecordBatch | null {
    const cursor = this.#cursor(input)
    for (;;) {
      let row = cursor.fetched.shift()
      if (row === undefined) row = this.#reading(() => this.#fetch(cursor, input))
      else this.#heldBytes -= row.bytes
      if (row === undefined) return null
      const { topic, partition, offset } = cursor
      const batch = new RecordBatch(topic, partition, row.base, row.data, offset)
      cursor.offset = row.next
      if (batch.first < batch.count) return batch // else compaction left nothing from there on
    }
  }

  /** Fetches the next batch, and some after it as far as the bound allows. */
  #fetch(cursor: Cursor, input: number): BatchRow | undefined {
    // Before the select: what is committed after it changes the version again.
    const version = this.#store.dataVersion()
    if (cursor.emptyAt === version) return undefined
    const share = Math.min(
      fetchBytesMax,
      this.#bytesMax / this.#cursors.length,
      this.#bytesMax - this.#heldBytes,
    )
    const limit = Math.max(1, Math.min(fetchRowsMax, Math.floor(share / cursor.lastBytes)))
    const rows = this.#store.iterate<BatchRow>(
      selectBatches,
      cursor.partId,
      cursor.partId,
      cursor.fetchOffset,
      cursor.partId,
      limit,
    )
    let first: BatchRow | undefined
    let count = 0
    let bytes = 0
    for (const row of rows) {
      count += 1
      bytes += row.bytes
      if (first === undefined) {
        first = row
        cursor.offset = Math.max(cursor.offset, row.start ?? 0)
      } else if (bytes > share) break
      else {
        cursor.fetched.push(row)
        this.#heldBytes += row.bytes
      }
      const from = Math.max(row.base, row.start ?? 0)
      if (from > cursor.fetchOffset) this.#onSkip(input, from - cursor.fetchOffset)
      cursor.fetchOffset = row.next
      cursor.lastBytes = row.bytes
    }
    cursor.emptyAt = count < limit && bytes <= share ? version : -1
    return first
  }

  /** True where `poll` of some input may give a batch. Cheap while nothing was committed. */
  hasRecords(): boolean {
    return this.#reading(() => {
      const version = this.#store.dataVersion()
      return this.#cursors.some((cursor) => {
        if (cursor.fetched.length > 0) return true
        if (cursor.emptyAt === version) return false
        const found = this.#store.get(
          'SELECT 1 FROM batches WHERE part_id = ? AND next_offset > ? LIMIT 1',
          cursor.partId,
          cursor.fetchOffset,
        )
        if (found === undefined) cursor.emptyAt = version
        return found !== undefined
      })
    })
  }

  endOffset(input: number): number {
    const cursor = this.#cursor(input)
    return this.#reading(() => {
      const version = this.#store.dataVersion()
      if (cursor.endAt !== version) {
        const place = this.#store.get<{ next: number }>(selectPlace, cursor.partId)
        cursor.endOffset = Math.max(cursor.endOffset, place?.next ?? 0)
        cursor.endAt = version
      }
      return cursor.endOffset
    })
  }

  /** @throws `offset-out-of-range` above the end · `invalid-argument` */
  seek(input: number, offset: number): void {
    const cursor = this.#cursor(input)
    const place = this.#reading(() =>
      this.#store.get<{ start: number; next: number }>(selectPlace, cursor.partId),
    )
    checkOffset({ topic: cursor.topic, partition: cursor.partition, offset }, place?.next ?? 0)
    for (const row of cursor.fetched) this.#heldBytes -= row.bytes
    cursor.fetched = []
    cursor.emptyAt = -1
    cursor.offset = Math.max(offset, place?.start ?? 0)
    cursor.fetchOffset = cursor.offset
  }

  #cursor(input: number): Cursor {
    const cursor = this.#cursors[input]
    if (cursor !== undefined) return cursor
    throw new MillraceError(
      'invalid-argument',
      `there is no input ${input}, inputs are 0 to ${this.#cursors.length - 1}`,
      { hint: 'use the index of an input as it was opened' },
    )
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw storeError(error, this.#store.path, 'read')
    }
  }
}
