/**
 * From the record batches of a Fetch answer to batches as the engine reads them: checked, without
 * control records and aborted transactions, keys and values each in one piece.
 */
import { BatchBuilder, RecordBatch } from '../../batch.ts'
import type { BlockPool } from '../../block-pool.ts'
import type { Header } from '../../batch.ts'
import {
  appendTimeBit,
  compressionMask,
  controlBit,
  crcAt,
  crcFrom,
  headBytes,
  lengthEnd,
  magic,
  transactionalBit,
} from './batch-head.ts'
import { damaged, decompress } from './compression.ts'
import { crc32c } from './crc32c.ts'

/**
 * Records of several Kafka batches are put into one up to this, so that small batches cost little.
 */
const recordsMax = 1000
const payloadMax = 1 << 20
/** Offsets are kept as distances of 32 bits. */
const deltaMax = 2 ** 31
const expandedBytesMax = 128 << 20

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface DecodeOptions {
  readonly topic: string
  readonly partition: number
  /** Whole batches; the last may be cut off. */
  readonly bytes: Buffer
  /** Records below it are left out. */
  readonly fromOffset: number
  /** As the answer lists them. */
  readonly aborted: readonly AbortedTransaction[]
}

export class BatchDecoder {
  /** Everything before it has been given, or holds no record. */
  position: number
  readonly #options: DecodeOptions
  readonly #aborted: AbortedTransaction[]
  readonly #abortedProducers = new Set<number>()
  readonly #builder: BatchBuilder
  readonly #pool: BlockPool | null
  #at = 0
  /** Offsets only rise. */
  #lastEnd = 0
  /** Offset that the deltas of the batch in hand count from. */
  #base = -1

  /**
   * @param builder is used while `next` runs; may be shared by decoders
   * @param pool where the memory of batches comes from; null: each has its own
   */
  constructor(options: DecodeOptions, builder = new BatchBuilder(), pool: BlockPool | null = null) {
    this.#options = options
    this.#builder = builder
    this.#pool = pool
    this.position = options.fromOffset
    this.#aborted = options.aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether `next` has nothing more to give. */
  get isDone(): boolean {
    const { bytes } = this.#options
    if (this.#at + headBytes > bytes.length) return true
    return this.#at + lengthEnd + bytes.readInt32BE(this.#at + 8) > bytes.length
  }

  /**
   * The next records; an empty batch where only offsets without records are left; null at the end.
   * @throws `log-damaged` · `unsupported-codec`
   */
  next(): RecordBatch | null {
    const { topic, partition } = this.#options
    const from = this.position
    const builder = this.#builder
    this.#base = -1
    while (builder.count < recordsMax && builder.payloadBytes < payloadMax) {
      if (!this.#take()) break
    }
    if (builder.count === 0 && this.position === from) return null
    const base = this.#base < 0 ? from : this.#base
    const block = builder.finish({ checksum: false, pool: this.#pool })
    return new RecordBatch(topic, partition, base, block, base, { nextOffset: this.position })
  }

  /** Takes one Kafka batch. @returns false where there is no whole one */
  #take(): boolean {
    const { bytes } = this.#options
    const at = this.#at
    if (at + headBytes > bytes.length) return false
    const end = at + lengthEnd + bytes.readInt32BE(at + 8)
    if (end > bytes.length) return false
    const baseOffset = int64(bytes, at)
    const fail = (what: string): never => {
      const { topic, partition } = this.#options
      throw damaged(what, { topic, partition, offset: baseOffset })
    }
    const isFarOff = this.#base >= 0 && baseOffset - this.#base > deltaMax
    if (isFarOff) return false // the next batch counts from another base
    if (end < at + headBytes) fail(`says it has ${end - at} bytes`)
    if (bytes[at + 16] !== magic) fail(`has format ${bytes[at + 16]}, known is ${magic}`)
    if (crc32c(bytes.subarray(at + crcFrom, end)) !== bytes.readUInt32BE(at + crcAt)) {
      fail('fails its checksum')
    }
    const next = baseOffset + bytes.readInt32BE(at + 23) + 1
    if (!(next > baseOffset)) fail(`ends at offset ${next - 1}, before it begins`)
    if (baseOffset < this.#lastEnd) fail(`begins before ${this.#lastEnd}, where the last one ended`)
    this.#lastEnd = next
    this.#at = end
    const isData = this.#isData(at, end, next)
    if (next <= this.#options.fromOffset) return true // not asked for
    if (isData) this.#records(at, end, baseOffset, fail)
    this.position = Math.max(this.position, next)
    return true
  }

  /** False for control records and what was aborted. */
  #isData(at: number, end: number, next: number): boolean {
    const { bytes } = this.#options
    const attributes = bytes.readInt16BE(at + 21)
    if ((attributes & transactionalBit) === 0) return (attributes & controlBit) === 0
    const producer = int64(bytes, at + 43)
    while (this.#aborted.length > 0 && (this.#aborted[0]?.firstOffset ?? 0) < next) {
      const aborted = this.#aborted.shift()
      if (aborted !== undefined) this.#abortedProducers.add(aborted.producerId)
    }
    if ((attributes & controlBit) === 0) return !this.#abortedProducers.has(producer)
    // Its key is a version and the type: 0 is an abort, which ends the transaction.
    const records = new RecordScan(bytes, at + headBytes, end)
    if (records.next() && records.keyEnd - records.keyStart >= 4) {
      if (bytes.readInt16BE(records.keyStart + 2) === 0) this.#abortedProducers.delete(producer)
    }
    return false
  }

  #records(at: number, end: number, baseOffset: number, fail: (what: string) => never): void {
    const { bytes, topic, partition, fromOffset } = this.#options
    const attributes = bytes.readInt16BE(at + 21)
    const count = bytes.readInt32BE(at + 57)
    const codec = attributes & compressionMask
    const place = { topic, partition, offset: baseOffset }
    const scan =
      codec === 0
        ? new RecordScan(bytes, at + headBytes, end)
        : expanded(codec, bytes.subarray(at + headBytes, end), place)
    const firstTime = int64(bytes, at + 27)
    const appendTime = (attributes & appendTimeBit) === 0 ? null : int64(bytes, at + 35)
    const builder = this.#builder
    let last = -1
    for (let i = 0; i < count; i++) {
      if (!scan.next()) fail(`holds a record that does not fit, number ${i} of ${count}`)
      if (scan.offsetDelta <= last) fail(`has offsets that do not rise`)
      last = scan.offsetDelta
      const offset = baseOffset + last
      if (offset < fromOffset) continue
      if (this.#base < 0) this.#base = offset
      const timeMs = appendTime ?? firstTime + scan.timeDelta
      if (!Number.isSafeInteger(timeMs)) fail(`has a record of time ${timeMs}`)
      builder.addRange(
        offset - this.#base,
        scan.bytes,
        scan.keyStart,
        scan.keyEnd,
        scan.valueStart,
        scan.valueEnd,
        timeMs,
      )
      if (scan.headerCount > 0) builder.setHeaders(scan.headers() ?? fail('has broken headers'))
    }
    if (baseOffset + last >= baseOffset + bytes.readInt32BE(at + 23) + 1) {
      fail('holds records after its last offset')
    }
  }
}

function expanded(
  codec: number,
  bytes: Buffer,
  place: { topic: string; partition: number; offset: number },
): RecordScan {
  const plain = decompress(codec, bytes, expandedBytesMax, place)
  return new RecordScan(plain, 0, plain.length)
}

/** Goes over records, one after the other; nothing is believed that does not fit. */
class RecordScan {
  readonly bytes: Buffer
  keyStart = 0
  /** −1: null. */
  keyEnd = -1
  valueStart = 0
  valueEnd = -1
  offsetDelta = 0
  timeDelta = 0
  headerCount = 0
  #at: number
  #recordEnd = 0
  readonly #end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** @returns false where no further record fits */
  next(): boolean {
    const length = this.#varint()
    const end = this.#at + length
    if (!(length > 0) || end > this.#end) return false
    this.#recordEnd = end
    this.#at += 1 // attributes, unused
    this.timeDelta = this.#varint()
    this.offsetDelta = this.#varint()
    const keyLength = this.#varint()
    this.keyStart = this.#at
    this.keyEnd = keyLength < 0 ? -1 : this.#at + keyLength
    if (keyLength > 0) this.#at += keyLength
    const valueLength = this.#varint()
    this.valueStart = this.#at
    this.valueEnd = valueLength < 0 ? -1 : this.#at + valueLength
    if (valueLength > 0) this.#at += valueLength
    this.headerCount = this.#varint()
    if (!(this.#at <= end && this.offsetDelta >= 0 && this.headerCount >= 0)) return false
    if (this.headerCount === 0) {
      if (this.#at !== end) return false
    }
    this.#headersAt = this.#at
    this.#at = end
    return true
  }

  #headersAt = 0

  /** Of the record in hand; null where they do not fit. */
  headers(): Header[] | null {
    const headers: Header[] = []
    const after = this.#at
    this.#at = this.#headersAt
    for (let i = 0; i < this.headerCount; i++) {
      const nameLength = this.#varint()
      const nameEnd = this.#at + nameLength
      if (!(nameLength >= 0 && nameEnd <= this.#recordEnd)) return null
      const name = this.bytes.toString('utf8', this.#at, nameEnd)
      this.#at = nameEnd
      const valueLength = this.#varint()
      const valueEnd = this.#at + Math.max(0, valueLength)
      if (!(valueEnd <= this.#recordEnd)) return null
      const value = valueLength < 0 ? null : this.bytes.subarray(this.#at, valueEnd)
      this.#at = valueEnd
      headers.push({ name, value })
    }
    const isWhole = this.#at === this.#recordEnd
    this.#at = after
    return isWhole ? headers : null
  }

  /** A zigzag varint of up to 64 bits; NaN where it does not end. */
  #varint(): number {
    const { bytes } = this
    let byte = this.#at < this.#end ? (bytes[this.#at++] as number) : 0x80
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let low = byte & 0x7f
    let shift = 7
    while (shift < 28) {
      byte = this.#at < this.#end ? (bytes[this.#at++] as number) : 0x80
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
      shift += 7
    }
    let scale = 2 ** 28
    let value = low
    for (; shift < 70; shift += 7) {
      byte = this.#at < this.#end ? (bytes[this.#at++] as number) : 0x80
      value += (byte & 0x7f) * scale
      // Beyond 2^53 it is not exact, and refused by whoever takes it.
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 128
    }
    return Number.NaN
  }
}

/** A big-endian 64-bit integer as a number; offsets, ids and times are far below 2^53. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}
