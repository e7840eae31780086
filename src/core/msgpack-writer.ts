/** MessagePack out (github.com/msgpack/msgpack, spec.md); extension types in msgpack-codec.ts. */
import { MillraceError } from './error.ts'

/** Values nested deeper are refused: most likely a cycle. */
export const msgpackDepthMax = 100
/**
 * Extension types: −1 is MessagePack's timestamp, `undefined` and `bigint` are those of msgpackr,
 * the others ours.
 */
export const extension = {
  timestamp: -1,
  undefined: 0,
  bigint: 0x42,
  map: 0x4d,
  set: 0x53,
} as const

/**
 * One value's bytes. Made for each value: the block comes out of Node's pool and is handed on
 * without a copy.
 */
export class MsgpackWriter {
  #buffer: Buffer
  #length = 0

  constructor() {
    this.#buffer = Buffer.allocUnsafe(256)
  }

  /** What was written; not to be written to any more. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** @throws `encode-failed` */
  write(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#writeString(value)
        return
      case 'number':
        this.#writeNumber(value)
        return
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2)
        return
      case 'undefined':
        this.#extension(extension.undefined, () => this.#byte(0))
        return
      case 'bigint':
        this.#extension(extension.bigint, () => this.#writeTwosComplement(value))
        return
      case 'object':
        if (value === null) this.#byte(0xc0)
        else this.#writeObject(value, depth)
        return
      default:
        throw refuse(`a ${typeof value}`)
    }
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  /**
   * A token with an unsigned number of 8, 16 or 32 bits after it, the shortest that holds it;
   * token8 null: there is none.
   */
  #head(count: number, token8: number | null, token16: number, token32: number): void {
    this.#reserve(5)
    if (count <= 0xff && token8 !== null) {
      this.#buffer[this.#length++] = token8
      this.#buffer[this.#length++] = count
    } else if (count <= 0xffff) {
      this.#buffer[this.#length++] = token16
      this.#length = this.#buffer.writeUInt16BE(count, this.#length)
    } else {
      this.#buffer[this.#length++] = token32
      this.#length = this.#buffer.writeUInt32BE(count, this.#length)
    }
  }

  #writeNumber(value: number): void {
    const small = value >= -0x8000_0000 && value <= 0xffff_ffff
    if (!Number.isInteger(value) || !small || Object.is(value, -0)) {
      this.#byte(0xcb)
      this.#reserve(8)
      this.#length = this.#buffer.writeDoubleBE(value, this.#length)
    } else if (value >= 0) {
      if (value <= 0x7f) this.#byte(value)
      else this.#head(value, 0xcc, 0xcd, 0xce)
    } else if (value >= -0x20) {
      this.#byte(value + 0x100)
    } else {
      this.#reserve(5)
      const size = value >= -0x80 ? 1 : value >= -0x8000 ? 2 : 4
      this.#buffer[this.#length++] = size === 1 ? 0xd0 : size === 2 ? 0xd1 : 0xd2
      this.#length = this.#buffer.writeIntBE(value, this.#length, size)
    }
  }

  #writeString(text: string): void {
    if (text.length < 32 && this.#writeShortAscii(text)) return
    if (!text.isWellFormed()) {
      throw refuse(
        'half a surrogate pair',
        'cut strings between characters, or call toWellFormed()',
      )
    }
    const size = Buffer.byteLength(text, 'utf8')
    if (size < 32) this.#byte(0xa0 + size)
    else this.#head(size, 0xd9, 0xda, 0xdb)
    this.#reserve(size)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  /**
   * Most names: cheaper than the calls that other text needs.
   * @returns false, and nothing is written, for other text
   */
  #writeShortAscii(text: string): boolean {
    this.#reserve(32)
    const buffer = this.#buffer
    let at = this.#length + 1
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      buffer[at++] = unit
    }
    buffer[this.#length] = 0xa0 + text.length
    this.#length = at
    return true
  }

  #writeObject(value: object, depth: number): void {
    if (depth >= msgpackDepthMax) {
      throw refuse(`more than ${msgpackDepthMax} levels`, 'give plain data without cycles')
    }
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) {
      const names = Object.keys(value)
      if (names.length < 16) this.#byte(0x80 + names.length)
      else this.#head(names.length, null, 0xde, 0xdf)
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string
        this.#writeString(name)
        this.write((value as Record<string, unknown>)[name], depth + 1)
      }
    } else if (Array.isArray(value)) this.#writeArray(value, depth)
    else if (value instanceof Date) this.#writeDate(value)
    else if (value instanceof Uint8Array) {
      this.#head(value.length, 0xc4, 0xc5, 0xc6)
      this.#reserve(value.length)
      this.#buffer.set(value, this.#length)
      this.#length += value.length
    } else if (value instanceof Map) {
      this.#extension(extension.map, () => this.#writeArray([...value].flat(), depth))
    } else if (value instanceof Set) {
      this.#extension(extension.set, () => this.#writeArray([...value], depth))
    } else {
      const name = (value.constructor as { name?: string } | undefined)?.name ?? 'unknown class'
      throw refuse(`an object of ${name}`)
    }
  }

  #writeArray(items: readonly unknown[], depth: number): void {
    if (items.length < 16) this.#byte(0x90 + items.length)
    else this.#head(items.length, null, 0xdc, 0xdd)
    for (let i = 0; i < items.length; i++) this.write(items[i], depth + 1)
  }

  /** Timestamp 96: u32 nanoseconds, i64 seconds. */
  #writeDate(date: Date): void {
    const ms = date.getTime()
    if (Number.isNaN(ms)) throw refuse('an invalid Date')
    const seconds = Math.floor(ms / 1000)
    this.#extension(extension.timestamp, () => {
      this.#reserve(12)
      this.#length = this.#buffer.writeUInt32BE((ms - seconds * 1000) * 1_000_000, this.#length)
      this.#length = this.#buffer.writeBigInt64BE(BigInt(seconds), this.#length)
    })
  }

  /** Shortest big-endian two's complement. */
  #writeTwosComplement(value: bigint): void {
    const magnitude = value < 0n ? -1n - value : value
    const bytes = magnitude.toString(16).length / 2
    const size = Math.floor(bytes) + 1 // one bit more than the magnitude, for the sign
    const hex = BigInt.asUintN(size * 8, value)
      .toString(16)
      .padStart(size * 2, '0')
    this.#reserve(size)
    this.#length += this.#buffer.write(hex, this.#length, 'hex')
  }

  /**
   * Room for the longest head first, since the length is known only after the body; then the
   * shortest head that fits.
   */
  #extension(type: number, writeBody: () => void): void {
    this.#reserve(6)
    const start = this.#length
    this.#length += 6
    writeBody()
    const body = start + 6
    const size = this.#length - body
    const fixed = [1, 2, 4, 8, 16].indexOf(size)
    const head = fixed >= 0 ? 2 : size <= 0xff ? 3 : size <= 0xffff ? 4 : 6
    const at = start + head
    if (head < 6) this.#buffer.copyWithin(at, body, this.#length)
    this.#length = at + size
    this.#buffer.writeInt8(type, at - 1)
    if (fixed >= 0) this.#buffer[start] = 0xd4 + fixed
    else if (head === 3) this.#buffer.set([0xc7, size], start)
    else if (head === 4) this.#buffer.set([0xc8, size >>> 8, size & 0xff], start)
    else {
      this.#buffer[start] = 0xc9
      this.#buffer.writeUInt32BE(size, start + 1)
    }
  }
}

function refuse(what: string, hint?: string): MillraceError {
  return new MillraceError('encode-failed', `MessagePack cannot hold ${what}`, {
    hint:
      hint ??
      'give plain objects, arrays, Map, Set, valid Date, bigint, Uint8Array, text or numbers',
  })
}
