/** Collects records and gives them as one block (layout: batch-format.ts). */
import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.ts'
import {
  formatVersion,
  hasKeys,
  hasHeaders,
  hasDeltas,
  headBytes,
  nullBit,
  endMask,
  batchBytesMax,
} from './batch-format.ts'
import type { BlockPool } from './block-pool.ts'
import { encodeHeaders } from './headers.ts'
import type { Header } from './headers.ts'

const shortBytes = 24

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

  addRange(source: Buffer, start: number, end: number): void {
    const bytes = end - start
    this.reserve(bytes)
    const { buffer, length } = this
    // A call out of JavaScript costs as much as some twenty bytes by hand.
    if (bytes <= shortBytes) {
      for (let i = 0; i < bytes; i++) buffer[length + i] = source[start + i] as number
    } else source.copy(buffer, length, start, end)
    this.length = length + bytes
  }

  addBytes(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }
}

export interface FinishOptions {
  readonly checksum?: boolean
  readonly pool?: BlockPool | null
}

/**
 * Collects records and gives them as one block. Can be used again after `finish`. Not shared
 * between tasks.
 */
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
    const length = (ends: Uint32Array, used: number): number =>
      used - (i === 0 ? 0 : (ends[i - 1] as number) & endMask)
    return (
      length(this.#keyEnds, this.#keys.length) +
      length(this.#valueEnds, this.#values.length) +
      (this.#flags & hasHeaders
        ? this.#headers.length - (i === 0 ? 0 : (this.#headerEnds[i - 1] as number))
        : 0)
    )
  }

  /**
   * Adds a record. Strings are written as UTF-8; a lone surrogate becomes U+FFFD.
   * @param timeMs record time, ms since 1970; must be finite
   */
  add(
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timeMs: number,
    headers?: readonly Header[],
  ): void {
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

  /**
   * Adds a record that keeps its offset: `delta` = offset − base offset, larger than the last one.
   * For compaction.
   */
  addAt(
    delta: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timeMs: number,
    headers?: readonly Header[],
  ): void {
    const i = this.#count
    assert(i === 0 || (this.#flags & hasDeltas) !== 0, () => 'addAt cannot be mixed with add')
    this.#flags |= hasDeltas
    if (this.#deltas.length <= i) this.#growDeltas()
    assert(
      i === 0 || delta > (this.#deltas[i - 1] as number),
      () => `offset delta ${delta} does not grow`,
    )
    this.#deltas[i] = delta
    this.add(key, value, timeMs, headers)
  }

  /**
   * Adds a record whose key and value are ranges of `source`; an end of −1 is a null. For logs that
   * turn another layout into this one.
   */
  addRange(
    delta: number,
    source: Buffer,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
    timeMs: number,
  ): void {
    const i = this.#count
    if (i === this.#times.length) this.#grow()
    if (this.#deltas.length <= i) this.#growDeltas()
    this.#flags |= hasDeltas
    this.#deltas[i] = delta
    if (keyEnd >= 0) {
      this.#flags |= hasKeys
      this.#keys.addRange(source, keyStart, keyEnd)
      this.#keyEnds[i] = this.#keys.length
    } else this.#keyEnds[i] = this.#keys.length + nullBit
    if (valueEnd >= 0) {
      this.#values.addRange(source, valueStart, valueEnd)
      this.#valueEnds[i] = this.#values.length
    } else this.#valueEnds[i] = this.#values.length + nullBit
    this.#times[i] = timeMs
    if (this.#flags & hasHeaders) this.#headerEnds[i] = this.#headers.length
    this.#count = i + 1
  }

  /** Headers of the record added last by `addRange`. */
  setHeaders(headers: readonly Header[]): void {
    this.#addHeaders(this.#count - 1, headers)
  }

  #growDeltas(): void {
    const grown = new Uint32Array(Math.max(512, this.#deltas.length * 2))
    grown.set(this.#deltas)
    this.#deltas = grown
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
    this.#headers.length =
      mark === 0 || !(this.#flags & hasHeaders) ? 0 : (this.#headerEnds[mark - 1] as number)
    if (mark === 0) this.#flags = 0
  }

  /**
   * The block, in an ArrayBuffer of its own (so that it can be transferred to another thread); then
   * starts anew.
   * @param options `checksum`: false where the block stays in this process and is read as trusted.
   * `pool`: where its memory comes from, which then may be longer than the block
   */
  finish(options: FinishOptions = {}): Uint8Array<ArrayBuffer> {
    const { checksum = true, pool = null } = options
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
    const block =
      pool === null
        ? new Uint8Array(new ArrayBuffer(size))
        : new Uint8Array(pool.take(size), 0, size)
    const view = Buffer.from(block.buffer, 0, size)
    view.fill(0, 0, 8)
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
    if (checksum) view.writeUInt32LE(crc32(view.subarray(8)), 4)
    this.#count = 0
    this.#flags = 0
    return block
  }
}
