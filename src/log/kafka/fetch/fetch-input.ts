/** One partition that is being followed: what was fetched of it, and how far. */
import { MillraceError } from '../../../core/error.ts'
import type { BatchBuilder, RecordBatch } from '../../batch.ts'
import type { TopicPartition } from '../../log.ts'
import { BatchDecoder } from '../records/decode.ts'
import { nextOffsetOf } from '../records/scan.ts'
import type { FetchedPartition } from '../wire/requests/fetch.ts'

interface Chunk {
  readonly bytes: Buffer
  readonly aborted: FetchedPartition['aborted']
}

export class FetchInput implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Offset to ask the broker for next. */
  fetchOffset: number
  /** Last stable offset, as last heard. */
  endOffset: number
  /** A request that names it is on its way. */
  isAsked = false
  /** Not to be asked before, monotonic ms. */
  notBeforeMs = 0
  failures = 0
  /** Since when the broker does not know it, monotonic ms; null: it does. */
  unknownSinceMs: number | null = null
  failure: MillraceError | null = null
  /** Grows with each move: answers to earlier requests are stale. */
  generation = 0
  #hasHeard = false
  #chunks: Chunk[] = []
  #decoder: BatchDecoder | null = null
  #decodingBytes = 0
  #bytes = 0
  #position: number

  constructor(place: TopicPartition, offset: number) {
    this.topic = place.topic
    this.partition = place.partition
    this.fetchOffset = offset
    this.endOffset = offset
    this.#position = offset
  }

  /** Bytes fetched and not yet given. */
  get bytes(): number {
    return this.#bytes
  }

  get hasRecords(): boolean {
    return this.#decoder !== null || this.#chunks.length > 0
  }

  get isBehind(): boolean {
    if (this.failure !== null || this.hasRecords) return false
    return !this.#hasHeard || this.fetchOffset < this.endOffset
  }

  /** An answer without error. @returns whether it brought anything */
  heard({ lastStableOffset, records, aborted }: FetchedPartition): boolean {
    this.#hasHeard = true
    this.failures = 0
    this.unknownSinceMs = null
    this.endOffset = Math.max(this.endOffset, lastStableOffset)
    const next = records === null ? -1 : nextOffsetOf(records)
    if (records === null || next <= this.fetchOffset) return false
    this.fetchOffset = next
    this.#chunks.push({ bytes: records, aborted })
    this.#bytes += records.length
    return true
  }

  /** What was fetched is dropped. */
  seek(offset: number): void {
    this.generation += 1
    this.fetchOffset = offset
    this.#position = offset
    this.#hasHeard = false
    this.failure = null
    this.#chunks = []
    this.#decoder = null
    this.#bytes = 0
    this.notBeforeMs = 0
  }

  /** @throws `log-damaged` · `unsupported-codec` */
  poll(builder: BatchBuilder): RecordBatch | null {
    for (;;) {
      const decoder = this.#decoder ?? this.#nextDecoder(builder)
      if (decoder === null) return null
      const batch = decoder.next()
      if (decoder.isDone || batch === null) {
        this.#decoder = null
        this.#bytes -= this.#decodingBytes
      }
      if (batch === null) continue
      if (batch.nextOffset < this.#position) throw this.#fallsBack(batch.nextOffset)
      this.#position = batch.nextOffset
      return batch
    }
  }

  #nextDecoder(builder: BatchBuilder): BatchDecoder | null {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return null
    const { topic, partition } = this
    this.#decodingBytes = chunk.bytes.length
    this.#decoder = new BatchDecoder(
      { topic, partition, fromOffset: this.#position, ...chunk },
      builder,
    )
    return this.#decoder
  }

  #fallsBack(offset: number): MillraceError {
    const { topic, partition } = this
    const text = `the broker gives offset ${offset} after ${this.#position}`
    return new MillraceError('log-damaged', text, { at: { topic, partition, offset } })
  }
}
