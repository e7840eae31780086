/** A batch of records as one block of bytes (layout: batch-format.ts), and the view to read it. */
import { crc32 } from 'node:zlib'
import { MillraceError } from '../core/error.ts'
import {
  formatVersion,
  hasKeys,
  hasHeaders,
  hasDeltas,
  headBytes,
  nullBit,
  endMask,
} from './batch-format.ts'
import { decodeHeaders } from './headers.ts'
import type { Header } from './headers.ts'

export { batchBytesMax } from './batch-format.ts'
export { BatchBuilder } from './batch-builder.ts'
export { BlockPool } from './block-pool.ts'
export { encodeHeaders } from './headers.ts'
export type { Header } from './headers.ts'

/** Records of one partition, in offset order, as a view on bytes that must not change. */
export class RecordBatch {
  readonly topic: string
  readonly partition: number
  /** Offset of record 0 of the block. */
  readonly baseOffset: number
  /** Records in the block. */
  readonly count: number
  /** Index of the first record asked for; records before it lie below the wished offset. */
  readonly first: number
  readonly bytes: Buffer
  readonly #times: Float64Array
  readonly #deltas: Uint32Array | null
  readonly #keyEnds: Uint32Array | null
  readonly #valueEnds: Uint32Array
  readonly #headerEnds: Uint32Array | null
  readonly #keysAt: number
  readonly #valuesAt: number
  readonly #headersAt: number
  readonly #nextOffset: number | null

  /**
   * @param bytes as `BatchBuilder.finish` made it
   * @param fromOffset records below it are left out by `first`
   * @param trusted made by this process and never stored: its checksum is not looked at (`finish`
   * may have left it out); `nextOffset` may lie beyond the last record, over offsets without one
   * @throws `log-damaged` where the checksum or the lengths do not fit
   */
  constructor(
    topic: string,
    partition: number,
    baseOffset: number,
    bytes: Uint8Array,
    fromOffset = baseOffset,
    trusted: { readonly nextOffset: number | null } | null = null,
  ) {
    // Typed-array views need their alignment.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    const buffer = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.byteLength)
    if (trusted === null) checkBlock(topic, partition, baseOffset, buffer)
    this.#nextOffset = trusted?.nextOffset ?? null
    this.topic = topic
    this.partition = partition
    this.baseOffset = baseOffset
    this.bytes = buffer
    this.count = buffer.readUInt32LE(8)
    const flags = buffer[1] ?? 0
    let at = aligned.byteOffset + headBytes
    this.#times = new Float64Array(aligned.buffer, at, this.count)
    at += this.count * 8
    const column = (present: boolean): Uint32Array | null => {
      if (!present) return null
      const values = new Uint32Array(aligned.buffer, at, this.count)
      at += this.count * 4
      return values
    }
    this.#deltas = column((flags & hasDeltas) !== 0)
    this.#keyEnds = column((flags & hasKeys) !== 0)
    this.#valueEnds = column(true) as Uint32Array
    this.#headerEnds = column((flags & hasHeaders) !== 0)
    this.#keysAt = at - aligned.byteOffset
    this.#valuesAt = this.#keysAt + buffer.readUInt32LE(12)
    this.#headersAt = this.#valuesAt + buffer.readUInt32LE(16)
    let first = 0
    while (first < this.count && this.offset(first) < fromOffset) first += 1
    this.first = first
  }

  /** Offset of record `i` of the block. */
  offset(i: number): number {
    return this.baseOffset + (this.#deltas === null ? i : (this.#deltas[i] as number))
  }

  /** Offset to go on at after this batch. */
  get nextOffset(): number {
    if (this.#nextOffset !== null) return this.#nextOffset
    return this.count === 0 ? this.baseOffset : this.offset(this.count - 1) + 1
  }

  /** Record time of record `i`, ms. */
  time(i: number): number {
    return this.#times[i] as number
  }

  /** Largest record time in the block. */
  get maxTime(): number {
    return this.bytes.readDoubleLE(24)
  }

  keyIsNull(i: number): boolean {
    return this.#keyEnds === null || (this.#keyEnds[i] as number) >= nullBit
  }

  valueIsNull(i: number): boolean {
    return (this.#valueEnds[i] as number) >= nullBit
  }

  /** Where the key of record `i` starts in `bytes`. Equal to `keyEnd` for a null or empty key. */
  keyStart(i: number): number {
    return (
      this.#keysAt +
      (i === 0 || this.#keyEnds === null ? 0 : (this.#keyEnds[i - 1] as number) & endMask)
    )
  }

  keyEnd(i: number): number {
    return this.#keysAt + (this.#keyEnds === null ? 0 : (this.#keyEnds[i] as number) & endMask)
  }

  valueStart(i: number): number {
    return this.#valuesAt + (i === 0 ? 0 : (this.#valueEnds[i - 1] as number) & endMask)
  }

  valueEnd(i: number): number {
    return this.#valuesAt + ((this.#valueEnds[i] as number) & endMask)
  }

  /** The range of all keys, and of all values, in `bytes`: for checks that are cheap in bulk. */
  get keysStart(): number {
    return this.#keysAt
  }

  get valuesStart(): number {
    return this.#valuesAt
  }

  get valuesEnd(): number {
    return this.#headersAt
  }

  /** A view on the key's bytes; null for a null key. */
  key(i: number): Buffer | null {
    return this.keyIsNull(i) ? null : this.bytes.subarray(this.keyStart(i), this.keyEnd(i))
  }

  /** A view on the value's bytes; null for a tombstone. */
  value(i: number): Buffer | null {
    return this.valueIsNull(i) ? null : this.bytes.subarray(this.valueStart(i), this.valueEnd(i))
  }

  /** Whether these bytes are somewhere in the headers of the block: for a check in bulk. */
  headersHold(bytes: Uint8Array): boolean {
    return this.#headerEnds !== null && this.bytes.indexOf(bytes, this.#headersAt) >= 0
  }

  /** The headers of record `i`, in order; names may repeat. */
  headers(i: number): Header[] {
    if (this.#headerEnds === null) return []
    const start = this.#headersAt + (i === 0 ? 0 : (this.#headerEnds[i - 1] as number))
    return decodeHeaders(
      this.bytes.subarray(start, this.#headersAt + (this.#headerEnds[i] as number)),
    )
  }
}

function checkBlock(topic: string, partition: number, offset: number, block: Buffer): void {
  const damaged = (what: string): MillraceError =>
    new MillraceError('log-damaged', `a batch of ${block.length} bytes ${what}`, {
      at: { topic, partition, offset },
      hint: 'restore the data from a copy, or read on after it: millrace consume --from OFFSET',
    })
  if (block.length < headBytes) throw damaged('is cut off')
  if (block[0] !== formatVersion)
    throw damaged(`has format version ${String(block[0])}, known is ${formatVersion}`)
  if (crc32(block.subarray(8)) !== block.readUInt32LE(4)) throw damaged('fails its checksum')
  const flags = block[1] ?? 0
  const columns =
    8 + 4 + (flags & hasDeltas ? 4 : 0) + (flags & hasKeys ? 4 : 0) + (flags & hasHeaders ? 4 : 0)
  const length =
    headBytes +
    block.readUInt32LE(8) * columns +
    block.readUInt32LE(12) +
    block.readUInt32LE(16) +
    block.readUInt32LE(20)
  if (length !== block.length) throw damaged(`should have ${length} bytes`)
  if (!columnsFit(block)) throw damaged('has records that do not fit')
}

/**
 * The columns of a whole block: offsets rise, each range ends where the next one begins, the last
 * at the end of its region. Of 16 µs to check 500 records of 200 bytes it takes 0.5, the checksum
 * the rest (Node 24, 2026-11-24).
 */
function columnsFit(block: Buffer): boolean {
  const flags = block[1] ?? 0
  const count = block.readUInt32LE(8)
  const present = [flags & hasDeltas, flags & hasKeys, 1, flags & hasHeaders]
  const length = present.filter((flag) => flag !== 0).length * count
  const columns = new Uint32Array(block.buffer, block.byteOffset + headBytes + count * 8, length)
  let at = 0
  if ((flags & hasDeltas) !== 0) {
    for (let i = 1; i < count; i++) {
      if ((columns[i] as number) <= (columns[i - 1] as number)) return false
    }
    at += count
  }
  const ends = (mask: number, size: number): boolean => {
    let last = 0
    for (let i = at; i < at + count; i++) {
      const end = (columns[i] as number) & mask
      if (end < last) return false
      last = end
    }
    at += count
    return last === size
  }
  if ((flags & hasKeys) !== 0 && !ends(endMask, block.readUInt32LE(12))) return false
  if (!ends(endMask, block.readUInt32LE(16))) return false
  return (flags & hasHeaders) === 0 || ends(endMask, block.readUInt32LE(20))
}
