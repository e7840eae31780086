/** The blobs of a changelog as they come from Kafka, each put together from its records. */
import { MillraceError } from '../../../core/error.ts'
import type { RecordBatch } from '../../batch.ts'
import type { FetchSet } from '../contracts.ts'
import type { CopyEntry } from './copy-entry.ts'

/** The key of a record: whether the blob goes on in the next one. */
export const goesOn: Uint8Array = Uint8Array.of(1)
export const ends: Uint8Array = Uint8Array.of(0)

/**
 * A blob's bytes at most, as on the embedded log (SQLite's SQLITE_MAX_LENGTH). Records that say
 * without end that they go on do not fill the memory.
 */
export const blobBytesMax = 1_000_000_000

export class BlobReader {
  readonly #set: FetchSet
  #batch: RecordBatch | null = null
  /** Of the batch: the next record. */
  #next = 0
  #pieces: Buffer[] = []
  #pieceBytes = 0
  readonly #bytesMax: number
  #base = 0
  #position: number

  /**
   * @param from the base of a blob, where the set begins
   * @param bytesMax what a blob may have at most
   */
  constructor(set: FetchSet, from: number, bytesMax: number = blobBytesMax) {
    this.#set = set
    this.#bytesMax = bytesMax
    this.#position = from
  }

  /** Offset up to which all has been given. */
  get position(): number {
    return this.#position
  }

  /** The next blob; null: none is at hand. @throws `state-corrupt` */
  poll(): CopyEntry | null {
    for (;;) {
      const batch = this.#batch ?? this.#set.poll(0)
      if (batch === null) return null
      if (batch !== this.#batch) this.#next = batch.first
      this.#batch = batch
      while (this.#next < batch.count) {
        const i = this.#next++
        const offset = batch.offset(i)
        this.#position = offset + 1
        if (this.#pieces.length === 0) this.#base = offset
        const piece = batch.value(i) ?? Buffer.alloc(0)
        this.#pieceBytes += piece.length
        if (this.#pieceBytes > this.#bytesMax) throw this.#tooLong(batch)
        this.#pieces.push(piece)
        if (batch.key(i)?.[0] === goesOn[0]) continue
        return this.#blob(offset + 1)
      }
      this.#position = batch.nextOffset
      this.#batch = null
    }
  }

  /** The next blob, waited for; null: there is none before `end`. */
  async next(end: number): Promise<CopyEntry | null> {
    for (;;) {
      const blob = this.poll()
      if (blob !== null) return blob
      if (this.#position >= end) return null
      await this.#set.wait(Number.POSITIVE_INFINITY)
    }
  }

  #blob(to: number): CopyEntry {
    const [first] = this.#pieces
    const isOne = first !== undefined && this.#pieces.length === 1
    const bytes = isOne ? first : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#pieceBytes = 0
    return { base: this.#base, to, bytes }
  }

  #tooLong({ topic, partition }: RecordBatch): MillraceError {
    return new MillraceError(
      'state-corrupt',
      `a changelog blob from offset ${this.#base} on has no end within ${this.#bytesMax} bytes`,
      {
        hint: 'restore the changelog topic, or run the pipeline under another name',
        at: { topic, partition },
      },
    )
  }
}
