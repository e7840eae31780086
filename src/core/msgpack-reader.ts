/**
 * MessagePack in (github.com/msgpack/msgpack, spec.md). Every length is checked against what is
 * left before anything is allocated.
 */
import { isUtf8 } from 'node:buffer'
import { MillraceError } from './error.ts'
import { extension, msgpackDepthMax } from './msgpack-writer.ts'
import type { NameCache } from './name-cache.ts'

/** Reads one value from the range it is made for. */
export class MsgpackReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  readonly #names: NameCache | null

  /** @param names null where it would not be used again */
  constructor(bytes: Buffer, start: number, end: number, names: NameCache | null) {
    this.#bytes = bytes
    this.#names = names
    this.#at = start
    this.#end = end
  }

  /** The value, which must fill the range. @throws `decode-failed` */
  readWhole(): unknown {
    if (this.#at === this.#end) throw this.#refuse('the value is empty')
    const value = this.#read(0)
    const left = this.#end - this.#at
    if (left > 0) throw this.#refuse(`${left} bytes are left over`)
    return value
  }

  #take(count: number): number {
    const start = this.#at
    if (count > this.#end - start) throw this.#refuse('the bytes end too early')
    this.#at = start + count
    return start
  }

  #uint(size: 1 | 2 | 4): number {
    return this.#bytes.readUIntBE(this.#take(size), size)
  }

  #read(depth: number): unknown {
    if (depth > msgpackDepthMax) throw this.#refuse(`values nest deeper than ${msgpackDepthMax}`)
    const token = this.#bytes[this.#take(1)]!
    if (token < 0x80) return token
    if (token < 0x90) return this.#readMap(token & 0x0f, depth)
    if (token < 0xa0) return this.#readArray(token & 0x0f, depth)
    if (token < 0xc0) return this.#readString(token & 0x1f)
    if (token >= 0xe0) return token - 0x100
    switch (token) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xd9:
        return this.#readString(this.#uint(1))
      case 0xda:
        return this.#readString(this.#uint(2))
      case 0xdb:
        return this.#readString(this.#uint(4))
      case 0xdc:
        return this.#readArray(this.#uint(2), depth)
      case 0xdd:
        return this.#readArray(this.#uint(4), depth)
      case 0xde:
        return this.#readMap(this.#uint(2), depth)
      case 0xdf:
        return this.#readMap(this.#uint(4), depth)
      default:
        return token < 0xca ? this.#readBinary(token, depth) : this.#readNumber(token, depth)
    }
  }

  /** Tokens c1 to c9. */
  #readBinary(token: number, depth: number): unknown {
    if (token === 0xc1) throw this.#refuse('byte c1 is never used in MessagePack')
    const size = this.#uint(([1, 2, 4] as const)[token < 0xc7 ? token - 0xc4 : token - 0xc7]!)
    if (token >= 0xc7) return this.#readExtension(size, depth)
    const start = this.#take(size)
    return new Uint8Array(this.#bytes.subarray(start, this.#at))
  }

  /** Tokens ca to d8. */
  #readNumber(token: number, depth: number): unknown {
    switch (token) {
      case 0xca:
        return this.#bytes.readFloatBE(this.#take(4))
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#take(8))
      case 0xcc:
        return this.#uint(1)
      case 0xcd:
        return this.#uint(2)
      case 0xce:
        return this.#uint(4)
      case 0xcf:
        return narrow(this.#bytes.readBigUInt64BE(this.#take(8)))
      case 0xd0:
        return this.#bytes.readInt8(this.#take(1))
      case 0xd1:
        return this.#bytes.readInt16BE(this.#take(2))
      case 0xd2:
        return this.#bytes.readInt32BE(this.#take(4))
      case 0xd3:
        return narrow(this.#bytes.readBigInt64BE(this.#take(8)))
      default:
        return this.#readExtension(1 << (token - 0xd4), depth)
    }
  }

  #readString(size: number): string {
    const start = this.#take(size)
    if (size === 0) return ''
    if (size < 24) {
      // Short ASCII text: cheaper than a call for its check and one for the string.
      let text = ''
      let i = start
      for (; i < this.#at; i++) {
        const byte = this.#bytes[i]!
        if (byte > 0x7f) break
        text += String.fromCharCode(byte)
      }
      if (i === this.#at) return text
    }
    if (!isUtf8(this.#bytes.subarray(start, this.#at))) throw this.#refuse('a string is not UTF-8')
    return this.#bytes.toString('utf8', start, this.#at)
  }

  #readArray(count: number, depth: number): unknown[] {
    this.#checkCount(count)
    const items: unknown[] = []
    for (let i = 0; i < count; i++) items.push(this.#read(depth + 1))
    return items
  }

  /** An object; a Map where a key is no string, as other programs may write. */
  #readMap(count: number, depth: number): unknown {
    this.#checkCount(count * 2)
    const object: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const key = this.#readMapKey(depth + 1)
      if (typeof key !== 'string') return this.#readRest(object, key, count - i, depth)
      const value = this.#read(depth + 1)
      if (key !== '__proto__') object[key] = value
      else {
        // A plain assignment would set the prototype.
        const own = { value, writable: true, enumerable: true, configurable: true }
        Object.defineProperty(object, key, own)
      }
    }
    return object
  }

  #readMapKey(depth: number): unknown {
    const token = this.#bytes[this.#at]!
    if (this.#names === null || (token & 0xe0) !== 0xa0) return this.#read(depth)
    const size = token & 0x1f
    const start = this.#take(1 + size) + 1
    let all = 0
    for (let i = start; i < this.#at; i++) all |= this.#bytes[i]!
    if (all < 0x80) return this.#names.ascii(this.#bytes, start, this.#at)
    this.#at = start
    return this.#readString(size)
  }

  /** A Map of the members so far and the other ones, the first of which has `key`. */
  #readRest(soFar: object, key: unknown, count: number, depth: number): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>(Object.entries(soFar))
    map.set(key, this.#read(depth + 1))
    for (let i = 1; i < count; i++) {
      const next = this.#read(depth + 1)
      map.set(next, this.#read(depth + 1))
    }
    return map
  }

  #readExtension(size: number, depth: number): unknown {
    const type = this.#bytes.readInt8(this.#take(1))
    const start = this.#take(size)
    const end = this.#at
    switch (type) {
      case extension.undefined:
        return undefined
      case extension.timestamp:
        return this.#readTimestamp(start, size)
      case extension.bigint: {
        const hex = this.#bytes.toString('hex', start, end)
        return hex === '' ? 0n : BigInt.asIntN(size * 8, BigInt(`0x${hex}`))
      }
      case extension.set:
      case extension.map: {
        // Nothing but an array: extensions in extensions would nest without a bound.
        if (size === 0 || !isArrayToken(this.#bytes[start]!))
          throw this.#refuse('an extension is damaged')
        const inner = new MsgpackReader(this.#bytes, start, end, this.#names)
        const items = inner.#read(depth) as unknown[]
        if (inner.#at !== end) throw this.#refuse('an extension is damaged')
        return type === extension.set ? new Set(items) : this.#pairs(items)
      }
      default:
        throw this.#refuse(`extension type ${type} is unknown`)
    }
  }

  #pairs(items: readonly unknown[]): Map<unknown, unknown> {
    if (items.length % 2 !== 0) throw this.#refuse('a Map has a key without value')
    const map = new Map<unknown, unknown>()
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
    return map
  }

  /**
   * The three forms of timestamps: u32 seconds; u30 nanoseconds and u34 seconds; u32 nanoseconds
   * and i64 seconds.
   */
  #readTimestamp(start: number, size: number): Date {
    const date = this.#dateAt(start, size)
    if (Number.isNaN(date.getTime())) throw this.#refuse('a timestamp is beyond what Date holds')
    return date
  }

  #dateAt(start: number, size: number): Date {
    if (size === 4) return new Date(this.#bytes.readUInt32BE(start) * 1000)
    if (size === 8) {
      const both = this.#bytes.readBigUInt64BE(start)
      return date(Number(both & 0x3_ffff_ffffn), Number(both >> 34n))
    }
    if (size !== 12) throw this.#refuse(`a timestamp has ${size} bytes`)
    return date(Number(this.#bytes.readBigInt64BE(start + 4)), this.#bytes.readUInt32BE(start))
  }

  /** Each item takes at least one byte. */
  #checkCount(count: number): void {
    if (count > this.#end - this.#at) throw this.#refuse(`${count} items are announced`)
  }

  #refuse(what: string): MillraceError {
    const left = this.#end - this.#at
    return new MillraceError('decode-failed', `${what}, ${left} bytes before the value's end`, {
      hint: 'write one MessagePack value a record, or give the topic the codec that fits: json()',
    })
  }
}

function isArrayToken(token: number): boolean {
  return (token & 0xf0) === 0x90 || token === 0xdc || token === 0xdd
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function date(seconds: number, nanoseconds: number): Date {
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000))
}
