/** A partition as a broker holds it, for tests: real batches, transactions, epochs, retention. */
import { BatchBuilder, type RecordBatch } from '../../batch.ts'
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
import { BatchDecoder } from '../records/decode.ts'
import { encodeBlocks, ownBatch } from '../records/encode.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { FetchedPartition, FetchPartition } from '../wire/requests/fetch.ts'
import { ProducerStates } from './producer-states.ts'

/** The batches of one transaction in one partition. */
interface Part {
  readonly firstOffset: number
  outcome: 'open' | 'commit' | 'abort'
}

interface StoredBatch {
  readonly base: number
  readonly next: number
  readonly epoch: number
  readonly bytes: Buffer
  /** null: in no transaction. */
  readonly part: Part | null
  readonly isMarker: boolean
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
  #producers = new ProducerStates()
  /** By producer. */
  readonly #open = new Map<number, Part>()
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
    let end = this.end
    for (const { firstOffset } of this.#open.values()) end = Math.min(end, firstOffset)
    return end
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
      const part = producerId === null ? null : this.#partOf(producerId)
      this.#store(Buffer.from(batch.bytes), batch.recordCount, { part, isMarker: false })
    }
  }

  #partOf(producerId: number): Part {
    const known = this.#open.get(producerId)
    if (known !== undefined) return known
    const part: Part = { firstOffset: this.end, outcome: 'open' }
    this.#open.set(producerId, part)
    return part
  }

  /**
   * A batch as a producer sent it; its memory belongs to the partition from now on.
   * @returns `offset` −1 where it was refused
   */
  append(bytes: Buffer): { readonly code: number; readonly offset: number } {
    if (crc32c(bytes.subarray(crcFrom)) !== bytes.readUInt32BE(crcAt)) {
      return { code: errorCode.corruptMessage, offset: -1 }
    }
    const producerId = Number(bytes.readBigInt64BE(43))
    const sender = {
      producerId,
      epoch: bytes.readInt16BE(51),
      sequence: bytes.readInt32BE(53),
      recordCount: bytes.readInt32BE(57),
      isTransactional: (bytes.readInt16BE(21) & transactionalBit) !== 0,
    }
    if (producerId >= 0) {
      const { code, offset } = this.#producers.check(sender)
      if (code !== errorCode.none || offset !== null) return { code, offset: offset ?? -1 }
    }
    const offset = this.end
    const part = sender.isTransactional ? this.#partOf(producerId) : null
    this.#store(bytes, sender.recordCount, { part, isMarker: false })
    if (producerId >= 0) this.#producers.wrote(sender, offset)
    return { code: errorCode.none, offset }
  }

  /** Ends the producer's transaction with its marker, where it has one here. */
  finish(producerId: number, outcome: 'commit' | 'abort'): void {
    if (this.#open.has(producerId)) this.mark({ producerId, epoch: 0 }, outcome)
  }

  /** Writes the marker, also of a transaction that has no records here. */
  mark(
    { producerId, epoch }: { readonly producerId: number; readonly epoch: number },
    outcome: 'commit' | 'abort',
  ): void {
    const part = this.#open.get(producerId)
    const markerOffset = this.end
    if (part !== undefined) {
      part.outcome = outcome
      if (outcome === 'abort') {
        this.#aborted.push({ producerId, firstOffset: part.firstOffset, markerOffset })
      }
    }
    this.#open.delete(producerId)
    this.#producers.ended(producerId, epoch)
    this.#store(marker(producerId, epoch, outcome), 1, { part: null, isMarker: true })
  }

  /** Whatever comes is taken for new: for tests with wrong brokers. */
  believeProducers(): void {
    this.#producers = new ProducerStates('believes all')
  }

  hasOpen(producerId: number): boolean {
    return this.#open.has(producerId)
  }

  get openProducers(): number[] {
    return [...this.#open.keys()]
  }

  /** Appends a batch as it is, at the end. */
  add(bytes: Buffer, offsets: number): void {
    this.#store(bytes, offsets, { part: null, isMarker: false })
  }

  #store(bytes: Buffer, offsets: number, what: Pick<StoredBatch, 'part' | 'isMarker'>): void {
    const base = this.end
    bytes.writeBigInt64BE(BigInt(base), 0)
    bytes.writeInt32BE(this.epoch, 12)
    this.batches.push({ base, next: base + offsets, epoch: this.epoch, bytes, ...what })
  }

  /** Behind the last record that is committed, or may yet be. */
  get recordsEnd(): number {
    const last = this.batches.findLast(({ part, isMarker }) => !isMarker && isOrMayBe(part))
    return Math.max(this.start, last?.next ?? 0)
  }

  /** The first batch with committed records from the offset on, whatever readers are shown. */
  committedFrom(offset: number): RecordBatch | null {
    for (const { next, bytes, part, isMarker } of this.batches) {
      if (next <= offset || isMarker) continue
      if (part !== null && part.outcome !== 'commit') continue
      const found = this.#decode(bytes, Math.max(offset, this.start))
      if (found !== null && found.count > 0) return found
    }
    return null
  }

  /** Who wrote the batch that holds the offset; −1: no producer with an id. */
  producerAt(offset: number): number {
    const found = this.batches.find(({ base, next }) => base <= offset && offset < next)
    return found === undefined ? -1 : Number(found.bytes.readBigInt64BE(43))
  }

  /** The first stable offset of a record that is as young; −1: none is. Aborted ones count. */
  firstAt(timeMs: number): number {
    for (const { base, next, bytes, isMarker } of this.batches) {
      if (base >= this.stableEnd) break
      if (isMarker || next <= this.start || Number(bytes.readBigInt64BE(35)) < timeMs) continue
      const batch = this.#decode(bytes, this.start)
      for (let i = batch?.first ?? 0; i < (batch?.count ?? 0); i++) {
        if ((batch?.time(i) ?? 0) >= timeMs) return batch?.offset(i) ?? -1
      }
    }
    return -1
  }

  /** Bytes of all batches. */
  get size(): number {
    return this.batches.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** Another broker leads, with all that was there. */
  lead(node: number): void {
    this.leader = node
    this.epoch += 1
  }

  #decode(bytes: Buffer, fromOffset: number): RecordBatch | null {
    const place = { topic: this.#topicId, partition: this.#partition }
    return new BatchDecoder({ ...place, bytes, fromOffset, aborted: [] }).next()
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
    const found: Buffer[] = []
    let size = 0
    for (const { base, next, bytes } of this.batches) {
      if (next <= offset || base >= this.stableEnd) continue
      found.push(bytes)
      size += bytes.length
      if (size >= bytesMax) break
    }
    const first = found[0]?.length ?? 0
    if (found.length === 0 || (first > bytesMax && !mayExceed)) return this.#answer({})
    // Cut off where the room ends, but for the first.
    const records = Buffer.concat(found, Math.min(size, Math.max(bytesMax, first)))
    const aborted = this.#aborted.filter(({ markerOffset }) => markerOffset >= offset)
    return this.#answer({ records, aborted })
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

function isOrMayBe(part: Part | null): boolean {
  return part === null || part.outcome !== 'abort'
}

/** A control batch: one record, whose key is a version and the type. */
function marker(producerId: number, epoch: number, outcome: 'commit' | 'abort'): Buffer {
  // Length, attributes, time, offset, key length 4, key, value length 6, value, no headers.
  const type = outcome === 'abort' ? 0 : 1
  const record = Buffer.from([32, 0, 0, 0, 8, 0, 0, 0, type, 12, 0, 0, 0, 0, 0, 0, 0])
  const bytes = Buffer.concat([Buffer.alloc(headBytes), record])
  bytes.writeInt32BE(bytes.length - lengthEnd, 8)
  bytes[16] = magic
  bytes.writeInt16BE(controlBit | transactionalBit, 21)
  bytes.writeBigInt64BE(BigInt(producerId), 43)
  bytes.writeInt16BE(epoch, 51)
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
