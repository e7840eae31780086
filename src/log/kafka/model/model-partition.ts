/** A partition as a broker holds it, for tests: real batches, transactions, epochs, retention. */
import { BatchBuilder } from '../../batch.ts'
import {
  controlBit,
  crcAt,
  crcFrom,
  headBytes,
  lengthEnd,
  magic,
  transactionalBit,
} from '../records/batch-head.ts'
import type { Compression } from '../records/compression.ts'
import { crc32c } from '../records/crc32c.ts'
import { encodeBlocks, ownBatch } from '../records/encode.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { FetchedPartition, FetchPartition } from '../wire/requests/fetch.ts'

interface StoredBatch {
  readonly base: number
  readonly next: number
  readonly epoch: number
  readonly bytes: Buffer
}

interface Aborted {
  readonly producerId: number
  readonly firstOffset: number
  readonly markerOffset: number
}

export interface WriteOptions {
  /** In a transaction of this producer; null: in none. */
  readonly producerId?: number | null
  readonly compression?: Compression
}

export class ModelPartition {
  leader: number
  epoch = 0
  start = 0
  /** Told to answer with this; 0: nothing of the kind. */
  code = 0
  batches: StoredBatch[] = []
  readonly #topicId: string
  readonly #partition: number
  readonly #open = new Map<number, number>()
  readonly #aborted: Aborted[] = []

  constructor(topicId: string, partition: number, leader: number) {
    this.#topicId = topicId
    this.#partition = partition
    this.leader = leader
  }

  get end(): number {
    return this.batches.at(-1)?.next ?? this.start
  }

  get stableEnd(): number {
    return Math.min(this.end, ...this.#open.values())
  }

  write(values: readonly string[], options: WriteOptions = {}): void {
    const { producerId = null, compression = 'none' } = options
    const builder = new BatchBuilder()
    for (const value of values) builder.add(null, value, 1)
    const blocks = [builder.finish()]
    const { batches } = encodeBlocks(blocks, { compression, batchBytesMax: 1 << 24 })
    for (const batch of batches) {
      const isTransactional = producerId !== null
      const owner = { producerId: producerId ?? -1, producerEpoch: 0, baseSequence: 0 }
      ownBatch(batch, { ...owner, isTransactional })
      this.add(Buffer.from(batch.bytes), batch.recordCount)
    }
    if (producerId !== null && !this.#open.has(producerId)) {
      this.#open.set(producerId, this.end - values.length)
    }
  }

  /** Ends the producer's transaction with its marker. */
  finish(producerId: number, outcome: 'commit' | 'abort'): void {
    const firstOffset = this.#open.get(producerId)
    if (firstOffset === undefined) return
    const markerOffset = this.end
    if (outcome === 'abort') this.#aborted.push({ producerId, firstOffset, markerOffset })
    this.#open.delete(producerId)
    this.add(marker(producerId, outcome), 1)
  }

  get openProducers(): number[] {
    return [...this.#open.keys()]
  }

  /** Appends a batch as it is, at the end. */
  add(bytes: Buffer, offsets: number): void {
    const base = this.end
    bytes.writeBigInt64BE(BigInt(base), 0)
    bytes.writeInt32BE(this.epoch, 12)
    this.batches.push({ base, next: base + offsets, epoch: this.epoch, bytes })
  }

  /** Records before it are deleted, as whole batches. */
  trim(offset: number): void {
    this.start = Math.max(this.start, Math.min(offset, this.stableEnd))
    while (this.batches.length > 1 && (this.batches[0]?.next ?? 0) <= this.start) {
      this.batches.shift()
    }
  }

  /** A replica that holds nothing from this offset on becomes leader. */
  cutBack(offset: number): void {
    this.batches = this.batches.filter(({ next }) => next <= offset)
    this.epoch += 1
  }

  read(wanted: FetchPartition, bytesMax: number, mayExceed: boolean): FetchedPartition {
    const { offset, leaderEpoch, lastEpoch } = wanted
    if (this.code !== 0) return this.#answer({ code: this.code })
    if (leaderEpoch < this.epoch) return this.#answer({ code: errorCode.fencedLeaderEpoch })
    if (leaderEpoch > this.epoch) return this.#answer({ code: errorCode.unknownLeaderEpoch })
    const diverging = this.#diverging(offset, lastEpoch)
    if (diverging !== null) return this.#answer({ diverging })
    if (offset < this.start || offset > this.end) {
      return this.#answer({ code: errorCode.offsetOutOfRange })
    }
    const found = this.batches.filter(({ next, base }) => next > offset && base < this.stableEnd)
    const bytes = Buffer.concat(found.map((batch) => batch.bytes))
    const first = found[0]?.bytes.length ?? 0
    if (first > bytesMax && !mayExceed) return this.#answer({})
    const records = bytes.subarray(0, Math.max(bytesMax, first))
    if (records.length === 0) return this.#answer({})
    const aborted = this.#aborted.filter(({ markerOffset }) => markerOffset >= offset)
    return this.#answer({ records: Buffer.from(records), aborted })
  }

  #diverging(offset: number, lastEpoch: number): FetchedPartition['diverging'] {
    if (lastEpoch < 0) return null
    const known = this.batches.filter(({ epoch }) => epoch <= lastEpoch)
    const epoch = known.at(-1)?.epoch ?? lastEpoch
    const later = this.batches.find((batch) => batch.epoch > lastEpoch)
    const endOffset = later?.base ?? this.end
    return epoch < lastEpoch || endOffset < offset ? { epoch, endOffset } : null
  }

  #answer(what: Partial<FetchedPartition>): FetchedPartition {
    const isFine = (what.code ?? 0) === 0
    return {
      topicId: this.#topicId,
      partition: this.#partition,
      code: 0,
      lastStableOffset: isFine ? this.stableEnd : -1,
      startOffset: isFine ? this.start : -1,
      aborted: [],
      diverging: null,
      records: null,
      ...what,
    }
  }
}

/** A control batch: one record, whose key is a version and the type. */
function marker(producerId: number, outcome: 'commit' | 'abort'): Buffer {
  // Length, attributes, time, offset, key length 4, key, value length 6, value, no headers.
  const type = outcome === 'abort' ? 0 : 1
  const record = Buffer.from([32, 0, 0, 0, 8, 0, 0, 0, type, 12, 0, 0, 0, 0, 0, 0, 0])
  const bytes = Buffer.concat([Buffer.alloc(headBytes), record])
  bytes.writeInt32BE(bytes.length - lengthEnd, 8)
  bytes[16] = magic
  bytes.writeInt16BE(controlBit | transactionalBit, 21)
  bytes.writeBigInt64BE(BigInt(producerId), 43)
  bytes.writeInt32BE(-1, 53)
  bytes.writeInt32BE(1, 57)
  bytes.writeUInt32BE(crc32c(bytes.subarray(crcFrom)), crcAt)
  return bytes
}

/** A batch that compaction has emptied: `offsets` without a record. */
export function emptied(offsets: number): Buffer {
  const bytes = Buffer.alloc(headBytes)
  bytes.writeInt32BE(headBytes - lengthEnd, 8)
  bytes[16] = magic
  bytes.writeInt32BE(offsets - 1, 23)
  bytes.writeBigInt64BE(-1n, 43)
  bytes.writeInt32BE(-1, 53)
  bytes.writeUInt32BE(crc32c(bytes.subarray(crcFrom)), crcAt)
  return bytes
}
