/** One partition that is being followed: what was fetched of it, and how far. */
import { MillraceError } from '../../../core/error.ts'
import type { BatchBuilder, RecordBatch } from '../../batch.ts'
import type { BlockPool } from '../../block-pool.ts'
import type { TopicPartition } from '../../log.ts'
import { damaged } from '../records/compression.ts'
import { BatchDecoder } from '../records/decode.ts'
import type { FetchedPartition } from '../wire/requests/fetch.ts'
import { wholeBatches } from './whole-batches.ts'

/** Who is to be asked for it. */
export interface Leader {
  readonly node: number
  readonly topicId: string
  readonly leaderEpoch: number
  /** The partition's name in a request. */
  readonly key: string
}

export function keyOf({ topicId, partition }: { topicId: string; partition: number }): string {
  return `${topicId} ${partition}`
}

interface Chunk {
  readonly bytes: Buffer
  readonly aborted: FetchedPartition['aborted']
  /** Leader epoch of its last batch. */
  readonly epoch: number
}

/** Of buffers that it is a part of, a chunk may hold so many times its own length. */
const heldMax = 2

export class FetchInput implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** null: not known, or not the leader any more. */
  leader: Leader | null = null
  /** Of the topic that it was first found in; null: not found yet. */
  topicId: string | null = null
  /** The request that it is named in, while it is on its way; null: none. */
  ask: unknown = null
  /** Offset to ask the broker for next. */
  fetchOffset: number
  /** Leader epoch of the last record before it; −1: not known. */
  lastEpoch = -1
  /** Last stable offset, as last heard. */
  endOffset: number
  /** Not to be asked before, monotonic ms. */
  notBeforeMs = 0
  failures = 0
  /** Since when brokers do not know it, or fail without a reason, monotonic ms; null: neither. */
  unknownSinceMs: number | null = null
  failure: MillraceError | null = null
  isClosed = false
  /** Something was heard since it was opened or moved. */
  hasHeard = false
  /** Grows with each move: what was found out before is stale. */
  generation = 0
  /** Wakes whoever waits for it. */
  readonly tell: () => void
  /** Somebody was told that it is behind. */
  #isAwaited = false
  #chunks: Chunk[] = []
  #chunk: Chunk | null = null
  #decoder: BatchDecoder | null = null
  #bytes = 0
  /** What has been given ends here. */
  #position: number
  /** Leader epoch of the last record given, where no chunk is in hand; −1: not known. */
  #givenEpoch = -1

  constructor(place: TopicPartition, offset: number, tell: () => void) {
    this.topic = place.topic
    this.partition = place.partition
    this.fetchOffset = offset
    this.endOffset = offset
    this.tell = tell
    this.#position = offset
  }

  /** Bytes fetched and not yet given. */
  get bytes(): number {
    return this.#bytes
  }

  get hasRecords(): boolean {
    return this.#decoder !== null || this.#chunks.length > 0
  }

  /** The broker is known to hold more than was fetched. */
  get hasMore(): boolean {
    return this.hasHeard && this.fetchOffset < this.endOffset
  }

  /** Whether records that the partition holds are still to come. */
  isBehind(): boolean {
    const isBehind = this.#isBehind()
    this.#isAwaited ||= isBehind
    return isBehind
  }

  #isBehind(): boolean {
    if (this.failure !== null || this.hasRecords) return false
    return !this.hasHeard || this.fetchOffset < this.endOffset
  }

  /** True once where somebody was told that it is behind, and it is not any more. */
  hasCaughtUp(): boolean {
    if (!this.#isAwaited || this.#isBehind()) return false
    this.#isAwaited = false
    return true
  }

  /** An answer without error. @returns `stuck`: bytes came that lead nowhere */
  heard({ lastStableOffset, records, aborted }: FetchedPartition): 'news' | 'nothing' | 'stuck' {
    this.hasHeard = true
    this.endOffset = Math.max(this.endOffset, lastStableOffset)
    if (records === null) {
      this.#isWell()
      return 'nothing'
    }
    const { nextOffset, epoch, fault } = wholeBatches(records)
    if (nextOffset <= this.fetchOffset) {
      if (fault === null || nextOffset >= 0) return 'stuck'
      const { topic, partition, fetchOffset: offset } = this
      this.failure = damaged(fault, { topic, partition, offset })
      return 'news'
    }
    this.#isWell()
    this.fetchOffset = nextOffset
    this.lastEpoch = epoch
    this.#chunks.push({ bytes: ownBytes(records), aborted, epoch })
    this.#bytes += records.length
    return 'news'
  }

  #isWell(): void {
    this.failures = 0
    this.unknownSinceMs = null
  }

  /**
   * The leader's log holds something else from some offset on than what was fetched: that is
   * dropped. @returns false where it was given already
   */
  cutBack({ epoch, endOffset }: { epoch: number; endOffset: number }): boolean {
    const given =
      this.#chunk === null
        ? this.#givenEpoch
        : wholeBatches(this.#chunk.bytes, (base) => base < this.#position).epoch
    if (endOffset < this.#position || given > epoch) return false
    this.#drop()
    this.fetchOffset = this.#position
    this.lastEpoch = given
    this.#givenEpoch = given
    return true
  }

  /** What was fetched is dropped. */
  seek(offset: number): void {
    this.generation += 1
    this.#drop()
    this.#position = offset
    this.#givenEpoch = -1
    this.hasHeard = false
    this.failure = null
    this.notBeforeMs = 0
    this.topicId = null
    this.leader = null
    this.goOnAt(offset)
  }

  /** Asks for this offset next, over others that are not there any more. */
  goOnAt(offset: number): void {
    this.fetchOffset = offset
    this.lastEpoch = -1
    this.notBeforeMs = 0
  }

  #drop(): void {
    this.ask = null
    this.#chunks = []
    this.#chunk = null
    this.#decoder = null
    this.#bytes = 0
  }

  close(): void {
    this.isClosed = true
    this.#drop()
  }

  /**
   * @throws `log-damaged` · `unsupported-codec`, and what else ended it, when all records before
   * that have been given; then again and again
   */
  poll(builder: BatchBuilder, pool: BlockPool | null = null): RecordBatch | null {
    for (;;) {
      const decoder = this.#decoder ?? this.#nextDecoder(builder, pool)
      if (decoder === null) {
        if (this.failure !== null) throw this.failure
        return null
      }
      const batch = this.#decode(decoder, builder)
      if (batch === null || decoder.isDone) this.#doneWithChunk()
      if (batch === null) continue
      if (batch.nextOffset < this.#position) throw this.#fallsBack(batch.nextOffset)
      this.#position = batch.nextOffset
      return batch
    }
  }

  #nextDecoder(builder: BatchBuilder, pool: BlockPool | null): BatchDecoder | null {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return null
    const { topic, partition } = this
    this.#chunk = chunk
    const fromOffset = this.#position
    this.#decoder = new BatchDecoder({ topic, partition, fromOffset, ...chunk }, builder, pool)
    return this.#decoder
  }

  #doneWithChunk(): void {
    this.#givenEpoch = this.#chunk?.epoch ?? -1
    this.#bytes -= this.#chunk?.bytes.length ?? 0
    this.#chunk = null
    this.#decoder = null
  }

  /** What comes before a broken batch is given; the fault afterwards. */
  #decode(decoder: BatchDecoder, builder: BatchBuilder): RecordBatch | null {
    try {
      return decoder.next()
    } catch (thrown) {
      builder.finish() // what it holds already will be decoded again, or is broken
      if (!(thrown instanceof MillraceError)) throw thrown
      const { bytes = Buffer.alloc(0), aborted = [] } = this.#chunk ?? {}
      const broken = thrown.at.offset ?? this.#position
      const whole = wholeBatches(bytes, (base) => base < broken)
      this.#drop()
      this.failure = thrown
      if (whole.nextOffset <= this.#position) throw thrown
      const sound = { bytes: bytes.subarray(0, whole.bytes), aborted, epoch: whole.epoch }
      this.#chunks = [sound]
      this.#bytes = sound.bytes.length
      return null
    }
  }

  #fallsBack(offset: number): MillraceError {
    const { topic, partition } = this
    const text = `the broker gives offset ${offset} after ${this.#position}`
    return new MillraceError('log-damaged', text, { at: { topic, partition, offset } })
  }
}

/** Small answers come in the buffer that the socket was read into, with others beside them. */
function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * heldMax) return bytes
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
