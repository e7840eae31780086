/** The blobs of a changelog as they come from Kafka, each put together from its records. */
import type { RecordBatch } from '../../batch.ts'
import type { FetchSet } from '../contracts.ts'
import type { CopyEntry } from './copy-entry.ts'

/** The key of a record: whether the blob goes on in the next one. */
export const goesOn: Uint8Array = Uint8Array.of(1)
export const ends: Uint8Array = Uint8Array.of(0)

export class BlobReader {
  readonly #set: FetchSet
  #batch: RecordBatch | null = null
  /** Of the batch: the next record. */
  #next = 0
  #pieces: Buffer[] = []
  #base = 0
  #position: number

  /** @param from the base of a blob, where the set begins */
  constructor(set: FetchSet, from: number) {
    this.#set = set
    this.#position = from
  }

  /** Offset up to which all has been given. */
  get position(): number {
    return this.#position
  }

  /** The next blob; null: none is at hand. */
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
        this.#pieces.push(batch.value(i) ?? Buffer.alloc(0))
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
    return { base: this.#base, to, bytes }
  }
}
