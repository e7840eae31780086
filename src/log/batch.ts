/**
 * A batch of records as one block of bytes: how logs store records and how the engine reads them. Columns of fixed width
 * first, then all keys, all values, all headers, so that a reader touches only what it needs and decodes nothing twice.
 *
 * Little-endian:
 *   0  u8  format version (1)      1  u8 flags (1 keys, 2 headers, 4 offset deltas)   2  u16 zero
 *   4  u32 CRC-32 of bytes 8..end  8  u32 record count
 *   12 u32 bytes of all keys       16 u32 bytes of all values   20 u32 bytes of all headers
 *   24 f64 largest record time, ms
 *   32 f64 time of each record, ms since 1970
 *      u32 offset − base offset of each record (flag 4; else record i has offset base + i)
 *      u32 end of each key within the keys, top bit set for a null key (flag 1; else all keys are null)
 *      u32 end of each value within the values, top bit set for a null value
 *      u32 end of each record's headers within the headers (flag 2; else no headers)
 *      keys · values · headers
 * The base offset is not inside: the log gives it at the append. Kafka's record batch v2 served as the model (KIP-98); the columns differ.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'

export interface Header {
  readonly name: string
  readonly value: Uint8Array | null
}

const formatVersion = 1
const hasKeys = 1
const hasHeaders = 2
const hasDeltas = 4
const headBytes = 32
const nullBit = 0x8000_0000
const endMask = 0x7fff_ffff
/** Ends are 31 bits; stay clear of them. */
export const batchBytesMax = 1 << 30

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

  /**
   * @param bytes as `BatchBuilder.finish` made it
   * @param fromOffset records below it are left out by `first`
   * @throws `log-damaged` where the checksum or the lengths do not fit
   */
  constructor(topic: string, partition: number, baseOffset: number, bytes: Uint8Array, fromOffset = baseOffset) {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes) // typed-array views need their alignment
    const buffer = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.byteLength)
    checkBlock(topic, partition, baseOffset, buffer)
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

  /** Offset of the record after the last one. */
  get nextOffset(): number {
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
    return this.#keysAt + (i === 0 || this.#keyEnds === null ? 0 : (this.#keyEnds[i - 1] as number) & endMask)
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

  /** The headers of record `i`, in order; names may repeat. */
  headers(i: number): Header[] {
    if (this.#headerEnds === null) return []
    const start = this.#headersAt + (i === 0 ? 0 : (this.#headerEnds[i - 1] as number))
    return decodeHeaders(this.bytes.subarray(start, this.#headersAt + (this.#headerEnds[i] as number)))
  }
}

function checkBlock(topic: string, partition: number, offset: number, block: Buffer): void {
  const damaged = (what: string): MillraceError =>
    new MillraceError('log-damaged', `a batch of ${block.length} bytes ${what}`, {
      at: { topic, partition, offset },
      hint: 'restore the data from a copy, or read on after it: millrace consume --from OFFSET',
    })
  if (block.length < headBytes) throw damaged('is cut off')
  if (block[0] !== formatVersion) throw damaged(`has format version ${String(block[0])}, known is ${formatVersion}`)
  if (crc32(block.subarray(8)) !== block.readUInt32LE(4)) throw damaged('fails its checksum')
  const flags = block[1] ?? 0
  const columns = 8 + 4 + (flags & hasDeltas ? 4 : 0) + (flags & hasKeys ? 4 : 0) + (flags & hasHeaders ? 4 : 0)
  const length = headBytes + block.readUInt32LE(8) * columns + block.readUInt32LE(12) + block.readUInt32LE(16) + block.readUInt32LE(20)
  if (length !== block.length) throw damaged(`should have ${length} bytes`)
}

/** A column of u32 or f64 that grows by doubling and is reused between batches. */
class Region {
  buffer: Buffer
  length = 0

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes)
  }

  reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }

  addString(text: string): void {
    // A UTF-16 unit takes at most 3 bytes of UTF-8; short strings avoid the exact count.
    this.reserve(text.length * 3)
    this.length += this.buffer.write(text, this.length, 'utf8')
  }

  addBytes(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }
}

/** Collects records and gives them as one block. Can be used again after `finish`. Not shared between tasks. */
export class BatchBuilder {
  #times = new Float64Array(512)
  #deltas = new Uint32Array(0)
  #keyEnds = new Uint32Array(512)
  #valueEnds = new Uint32Array(512)
  #headerEnds = new Uint32Array(0)
  readonly #keys = new Region(8192)
  readonly #values = new Region(65_536)
  readonly #headers = new Region(64)
  #count = 0
  #flags = 0

  get count(): number {
    return this.#count
  }

  /** Bytes of keys, values and headers so far (without the columns' 20 bytes a record). */
  get payloadBytes(): number {
    return this.#keys.length + this.#values.length + this.#headers.length
  }

  /** Payload bytes of the record added last. */
  lastRecordBytes(): number {
    const i = this.#count - 1
    if (i < 0) return 0
    const length = (ends: Uint32Array, used: number): number => used - (i === 0 ? 0 : (ends[i - 1] as number) & endMask)
    return (
      length(this.#keyEnds, this.#keys.length) +
      length(this.#valueEnds, this.#values.length) +
      (this.#flags & hasHeaders ? this.#headers.length - (i === 0 ? 0 : (this.#headerEnds[i - 1] as number)) : 0)
    )
  }

  /**
   * Adds a record. Strings are written as UTF-8; a lone surrogate becomes U+FFFD.
   * @param timeMs record time, ms since 1970; must be finite
   */
  add(key: string | Uint8Array | null, value: string | Uint8Array | null, timeMs: number, headers?: readonly Header[]): void {
    assert(Number.isFinite(timeMs), () => `record time must be finite, not ${timeMs}`)
    const i = this.#count
    if (i === this.#times.length) this.#grow()
    if (typeof key === 'string') this.#keys.addString(key)
    else if (key !== null) this.#keys.addBytes(key)
    if (key !== null) this.#flags |= hasKeys
    this.#keyEnds[i] = key === null ? this.#keys.length + nullBit : this.#keys.length
    if (typeof value === 'string') this.#values.addString(value)
    else if (value !== null) this.#values.addBytes(value)
    this.#valueEnds[i] = value === null ? this.#values.length + nullBit : this.#values.length
    this.#times[i] = timeMs
    if (headers !== undefined && headers.length > 0) this.#addHeaders(i, headers)
    else if (this.#flags & hasHeaders) this.#headerEnds[i] = this.#headers.length
    this.#count = i + 1
  }

  /** Adds a record that keeps its offset: `delta` = offset − base offset, larger than the last one. For compaction. */
  addAt(delta: number, key: Uint8Array | null, value: Uint8Array | null, timeMs: number, headers?: readonly Header[]): void {
    const i = this.#count
    assert(i === 0 || (this.#flags & hasDeltas) !== 0, () => 'addAt cannot be mixed with add')
    this.#flags |= hasDeltas
    if (this.#deltas.length <= i) {
      const grown = new Uint32Array(Math.max(512, this.#deltas.length * 2))
      grown.set(this.#deltas)
      this.#deltas = grown
    }
    assert(i === 0 || delta > (this.#deltas[i - 1] as number), () => `offset delta ${delta} does not grow`)
    this.#deltas[i] = delta
    this.add(key, value, timeMs, headers)
  }

  #addHeaders(i: number, headers: readonly Header[]): void {
    if (!(this.#flags & hasHeaders)) {
      this.#flags |= hasHeaders
      this.#headerEnds = new Uint32Array(this.#times.length) // zeros: the records before have none
    }
    this.#headers.addBytes(encodeHeaders(headers))
    this.#headerEnds[i] = this.#headers.length
  }

  #grow(): void {
    const length = this.#times.length * 2
    const times = new Float64Array(length)
    times.set(this.#times)
    this.#times = times
    const larger = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(length)
      grown.set(old)
      return grown
    }
    this.#keyEnds = larger(this.#keyEnds)
    this.#valueEnds = larger(this.#valueEnds)
    if (this.#flags & hasHeaders) this.#headerEnds = larger(this.#headerEnds)
  }

  /** A mark for `undoTo`: everything added after it can be taken back. Valid until `finish`. */
  mark(): number {
    return this.#count
  }

  /** Takes back the records added since the mark. */
  undoTo(mark: number): void {
    assert(mark <= this.#count, () => `cannot undo to ${mark} of ${this.#count} records`)
    if (mark === this.#count) return
    this.#count = mark
    this.#keys.length = mark === 0 ? 0 : (this.#keyEnds[mark - 1] as number) & endMask
    this.#values.length = mark === 0 ? 0 : (this.#valueEnds[mark - 1] as number) & endMask
    this.#headers.length = mark === 0 || !(this.#flags & hasHeaders) ? 0 : (this.#headerEnds[mark - 1] as number)
    if (mark === 0) this.#flags = 0
  }

  /** The block, in an ArrayBuffer of its own (so that it can be transferred to another thread); then starts anew. */
  finish(): Uint8Array<ArrayBuffer> {
    const count = this.#count
    const keyed = (this.#flags & hasKeys) !== 0
    const columns = [
      ...(this.#flags & hasDeltas ? [this.#deltas] : []),
      ...(keyed ? [this.#keyEnds] : []),
      this.#valueEnds,
      ...(this.#flags & hasHeaders ? [this.#headerEnds] : []),
    ]
    const size = headBytes + count * (8 + columns.length * 4) + this.payloadBytes
    assert(size <= batchBytesMax, () => `a batch of ${size} bytes is over ${batchBytesMax}`)
    const block = new Uint8Array(new ArrayBuffer(size))
    const view = Buffer.from(block.buffer)
    view[0] = formatVersion
    view[1] = this.#flags
    view.writeUInt32LE(count, 8)
    view.writeUInt32LE(this.#keys.length, 12)
    view.writeUInt32LE(this.#values.length, 16)
    view.writeUInt32LE(this.#headers.length, 20)
    let maxTime = -Infinity
    for (let i = 0; i < count; i++) maxTime = Math.max(maxTime, this.#times[i] as number)
    view.writeDoubleLE(maxTime, 24)
    new Float64Array(block.buffer, headBytes, count).set(this.#times.subarray(0, count))
    let at = headBytes + count * 8
    for (const column of columns) {
      new Uint32Array(block.buffer, at, count).set(column.subarray(0, count))
      at += count * 4
    }
    for (const region of [this.#keys, this.#values, this.#headers]) {
      region.buffer.copy(view, at, 0, region.length)
      at += region.length
      region.length = 0
    }
    view.writeUInt32LE(crc32(view.subarray(8)), 4)
    this.#count = 0
    this.#flags = 0
    return block
  }
}

/** u16 name bytes, name, i32 value bytes (−1: null), value; repeated. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const parts: Buffer[] = []
  for (const { name, value } of headers) {
    const nameBytes = Buffer.from(name, 'utf8')
    assert(nameBytes.length <= 65_535, () => `a header name of ${nameBytes.length} bytes is over 65535`)
    const head = Buffer.alloc(2 + nameBytes.length + 4)
    head.writeUInt16LE(nameBytes.length, 0)
    nameBytes.copy(head, 2)
    head.writeInt32LE(value === null ? -1 : value.length, 2 + nameBytes.length)
    parts.push(head)
    if (value !== null) parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
  }
  return Buffer.concat(parts)
}

function decodeHeaders(bytes: Buffer): Header[] {
  const headers: Header[] = []
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 2 + bytes.readUInt16LE(at)
    const name = bytes.toString('utf8', at + 2, nameEnd)
    const length = bytes.readInt32LE(nameEnd)
    at = nameEnd + 4
    headers.push({ name, value: length < 0 ? null : bytes.subarray(at, at + length) })
    if (length > 0) at += length
  }
  return headers
}
