/** From blocks (log/batch-format.ts) to Kafka's record batches. */
import { RecordBatch } from '../../batch.ts'
import type { BlockPool } from '../../block-pool.ts'
import {
  compressionMask,
  crcAt,
  crcFrom,
  headBytes,
  lengthEnd,
  magic,
  transactionalBit,
} from './batch-head.ts'
import { compress, compressions } from './compression.ts'
import type { Compression } from './compression.ts'
import { crc32c } from './crc32c.ts'

export interface EncodeOptions {
  readonly compression: Compression
  /** A batch is ended before it would be larger; a single record may be. */
  readonly batchBytesMax: number
  /** Where the memory of batches comes from; null: each has its own. */
  readonly pool?: BlockPool | null
}

/** As whom a batch is written. */
export interface BatchOwner {
  readonly producerId: number
  readonly producerEpoch: number
  /** −1 without a producer id. */
  readonly baseSequence: number
  readonly isTransactional: boolean
}

/** A Kafka batch, still without its owner. */
export interface EncodedBatch {
  readonly bytes: Buffer
  readonly recordCount: number
}

/** Where a block begins within the batches of its partition. */
export interface BlockPlace {
  readonly batch: number
  readonly record: number
  readonly recordCount: number
}

export interface Encoded {
  readonly batches: readonly EncodedBatch[]
  /** One for each block, in order. */
  readonly places: readonly BlockPlace[]
}

/** More than the varints of a record can take. */
const recordOverheadMax = 40

/**
 * Blocks of one partition as few batches, in order. A block begins a new batch rather than being
 * cut, where it fits into one.
 */
export function encodeBlocks(blocks: readonly Uint8Array[], options: EncodeOptions): Encoded {
  const writer = new BatchWriter(options)
  const places: BlockPlace[] = []
  const batches = blocks.map((block) => new RecordBatch('', 0, 0, block, 0, { nextOffset: null }))
  writer.expect(batches.reduce((all, { bytes }) => all + bytes.length, 0))
  for (const batch of batches) {
    if (batch.count > 0) writer.make(batch.bytes.length + batch.count * recordOverheadMax)
    places.push({ batch: writer.batchCount, record: writer.recordCount, recordCount: batch.count })
    for (let i = 0; i < batch.count; i++) {
      const moved = writer.add(batch, i)
      if (moved && i === 0) {
        places[places.length - 1] = {
          batch: writer.batchCount,
          record: 0,
          recordCount: batch.count,
        }
      }
    }
  }
  return { batches: writer.finish(), places }
}

/** Puts the owner into a batch, and its checksum. */
export function ownBatch({ bytes }: EncodedBatch, owner: BatchOwner): void {
  const attributes = bytes.readInt16BE(21) & compressionMask
  bytes.writeInt16BE(attributes | (owner.isTransactional ? transactionalBit : 0), 21)
  bytes.writeBigInt64BE(BigInt(owner.producerId), 43)
  bytes.writeInt16BE(owner.producerEpoch, 51)
  bytes.writeInt32BE(owner.baseSequence, 53)
  bytes.writeUInt32BE(crc32c(bytes.subarray(crcFrom)), crcAt)
}

/** Sequence numbers begin anew after 2^31 − 1. */
export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % 2 ** 31
}

const noBytes = Buffer.alloc(0)

class BatchWriter {
  readonly #options: EncodeOptions
  readonly #batches: EncodedBatch[] = []
  #buffer: Buffer = noBytes
  #expected = 0
  #at = headBytes
  #count = 0
  #firstTime = 0
  #maxTime = 0

  constructor(options: EncodeOptions) {
    this.#options = options
  }

  /** Batches that are whole. */
  get batchCount(): number {
    return this.#batches.length
  }

  /** Records in the batch in hand. */
  get recordCount(): number {
    return this.#count
  }

  /** About so many bytes come in all: mostly a little less, as a block's columns take more. */
  expect(bytes: number): void {
    this.#expected = bytes
  }

  /** A block of at most so many bytes comes: begins a new batch where it may not fit. */
  make(bytes: number): void {
    const room = this.#options.batchBytesMax - this.#at
    if (this.#count > 0 && bytes > room) this.#end()
    this.#reserve(Math.min(bytes, this.#options.batchBytesMax))
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const { batchBytesMax, pool = null } = this.#options
    const wished = Math.max(
      Math.min(this.#expected + headBytes, batchBytesMax),
      this.#buffer.length * 2,
    )
    const length = Math.max(needed, wished)
    const grown = pool === null ? Buffer.allocUnsafeSlow(length) : Buffer.from(pool.take(length))
    this.#buffer.copy(grown, 0, 0, this.#at)
    if (this.#buffer.length > 0) pool?.give(this.#buffer.buffer as ArrayBuffer)
    this.#buffer = grown
  }

  /** @returns whether the record begins a new batch because it did not fit */
  add(batch: RecordBatch, i: number): boolean {
    const timeMs = Math.floor(batch.time(i))
    const headers = batch.headers(i)
    const keyLength = batch.keyIsNull(i) ? -1 : batch.keyEnd(i) - batch.keyStart(i)
    const valueLength = batch.valueIsNull(i) ? -1 : batch.valueEnd(i) - batch.valueStart(i)
    const names = headers.map(({ name }) => Buffer.from(name))
    let headerBytes = varintBytes(headers.length)
    for (const [h, { value }] of headers.entries()) {
      headerBytes += sizedBytes(names[h]?.length ?? 0) + sizedBytes(value?.length ?? -1)
    }
    const body = (firstTime: number, delta: number): number =>
      1 +
      varintBytes(timeMs - firstTime) +
      varintBytes(delta) +
      sizedBytes(keyLength) +
      sizedBytes(valueLength) +
      headerBytes
    let length = body(this.#count === 0 ? timeMs : this.#firstTime, this.#count)
    const isMoved = this.#count > 0 && this.#at + length + 5 > this.#options.batchBytesMax
    if (isMoved) {
      this.#end()
      length = body(timeMs, 0)
    }
    if (this.#count === 0) this.#firstTime = timeMs
    this.#maxTime = this.#count === 0 ? timeMs : Math.max(this.#maxTime, timeMs)
    this.#reserve(length + 5)
    this.#varint(length)
    this.#buffer[this.#at++] = 0
    this.#varint(timeMs - this.#firstTime)
    this.#varint(this.#count)
    this.#sized(batch.bytes, batch.keyStart(i), keyLength)
    this.#sized(batch.bytes, batch.valueStart(i), valueLength)
    this.#varint(headers.length)
    for (const [h, { value }] of headers.entries()) {
      const name = names[h] ?? Buffer.alloc(0)
      this.#sized(name, 0, name.length)
      const bytes =
        value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.length)
      this.#sized(bytes ?? name, 0, bytes?.length ?? -1)
    }
    this.#count += 1
    return isMoved
  }

  finish(): EncodedBatch[] {
    if (this.#count > 0) this.#end()
    if (this.#buffer !== noBytes) this.#options.pool?.give(this.#buffer.buffer as ArrayBuffer)
    return this.#batches
  }

  #end(): void {
    let { compression } = this.#options
    let bytes = this.#buffer.subarray(0, this.#at)
    const small = compression === 'none' ? null : compress(compression, bytes.subarray(headBytes))
    // What does not become smaller might become too large.
    if (small === null || small.length >= bytes.length - headBytes) compression = 'none'
    if (small !== null && compression !== 'none') {
      bytes = Buffer.allocUnsafeSlow(headBytes + small.length)
      small.copy(bytes, headBytes)
    } else this.#buffer = noBytes // the batch has it now
    this.#expected = Math.max(0, this.#expected - this.#at)
    bytes.writeBigInt64BE(0n, 0)
    bytes.writeInt32BE(bytes.length - lengthEnd, 8)
    bytes.writeInt32BE(-1, 12)
    bytes[16] = magic
    bytes.writeInt16BE(compressions.indexOf(compression), 21)
    bytes.writeInt32BE(this.#count - 1, 23)
    bytes.writeBigInt64BE(BigInt(this.#firstTime), 27)
    bytes.writeBigInt64BE(BigInt(this.#maxTime), 35)
    bytes.writeInt32BE(this.#count, 57)
    this.#batches.push({ bytes, recordCount: this.#count })
    this.#at = headBytes
    this.#count = 0
  }

  #sized(source: Buffer, start: number, length: number): void {
    this.#varint(length)
    if (length <= 0) return
    const { buffer, at } = { buffer: this.#buffer, at: this.#at }
    if (length <= 24) for (let i = 0; i < length; i++) buffer[at + i] = source[start + i] as number
    else source.copy(buffer, at, start, start + length)
    this.#at = at + length
  }

  /** A zigzag varint of any safe integer. */
  #varint(value: number): void {
    const buffer = this.#buffer
    if (value >= -(2 ** 30) && value < 2 ** 30) {
      let left = ((value << 1) ^ (value >> 31)) >>> 0
      while (left > 0x7f) {
        buffer[this.#at++] = (left & 0x7f) | 0x80
        left >>>= 7
      }
      buffer[this.#at++] = left
      return
    }
    let left = value >= 0 ? BigInt(value) * 2n : BigInt(value) * -2n - 1n
    while (left > 0x7fn) {
      buffer[this.#at++] = Number(left & 0x7fn) | 0x80
      left >>= 7n
    }
    buffer[this.#at++] = Number(left)
  }
}

function sizedBytes(length: number): number {
  return varintBytes(length) + Math.max(0, length)
}

function varintBytes(value: number): number {
  let left = value >= 0 ? value * 2 : -value * 2 - 1
  let bytes = 1
  while (left > 0x7f) {
    left = Math.floor(left / 128)
    bytes += 1
  }
  return bytes
}
