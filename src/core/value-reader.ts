/**
 * Reads what `ValueWriter` wrote (format: value-format.ts). Bytes that do not fit give
 * `state-corrupt`, never a crash.
 */
import { deserialize } from 'node:v8'
import { MillraceError, messageOf } from './error.ts'
import { NameCache } from './name-cache.ts'
import * as format from './value-format.ts'

const { tag } = format
/** Reads one block from front to end. May be reused with `reset`. */
export class ValueReader {
  #buffer: Buffer
  #at = 0
  #names: NameCache | null = null
  /** Names of the shapes that this block has defined so far. */
  #shapes: (readonly string[])[] = []

  /** @param bytes must not change while being read */
  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Starts on another block. */
  reset(bytes: Uint8Array): void {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = 0
    if (this.#shapes.length > 0) this.#shapes = []
  }

  /** True at the end of the block. */
  get done(): boolean {
    return this.#at >= this.#buffer.length
  }

  /** @throws `state-corrupt` */
  readValue(): unknown {
    return this.#read(0)
  }

  readUint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
      if (scale > Number.MAX_SAFE_INTEGER) throw this.#corrupt('a number is too long')
    }
    if (value > Number.MAX_SAFE_INTEGER) throw this.#corrupt('a number is too large')
    return value
  }

  readString(): string {
    return this.#readText(this.#byte())
  }

  readFloat64(): number {
    const start = this.#take(8)
    return this.#buffer.readDoubleLE(start)
  }

  /** A copy of bytes that `writeBytes` wrote. */
  readBytes(): Uint8Array<ArrayBuffer> {
    const start = this.#take(this.readUint())
    return new Uint8Array(this.#buffer.subarray(start, this.#at))
  }

  #byte(): number {
    const byte = this.#buffer[this.#at]
    if (byte === undefined) throw this.#corrupt('the bytes end too early')
    this.#at += 1
    return byte
  }

  /** Steps over `count` bytes. @returns where they start */
  #take(count: number): number {
    const start = this.#at
    if (count > this.#buffer.length - start) {
      throw this.#corrupt(`${count} bytes are announced and ${this.#buffer.length - start} left`)
    }
    this.#at = start + count
    return start
  }

  /**
   * A count of items of at least `bytesEach`: more than can be left is refused before anything is
   * allocated.
   */
  #count(bytesEach: number): number {
    const count = this.readUint()
    if (count > (this.#buffer.length - this.#at) / bytesEach) {
      throw this.#corrupt(`${count} items are announced and too few bytes left`)
    }
    return count
  }

  #read(depth: number): unknown {
    const kind = this.#byte()
    if (kind >= format.smallInt) return kind - format.smallInt
    if (kind >= format.shortString) return this.#readText(kind)
    switch (kind) {
      case tag.undefined:
        return undefined
      case tag.null:
        return null
      case tag.false:
        return false
      case tag.true:
        return true
      case tag.int:
        return this.readUint()
      case tag.negativeInt:
        return -1 - this.readUint()
      case tag.float64:
        return this.readFloat64()
      case tag.utf8:
      case tag.utf16:
        return this.#readText(kind)
      case tag.bigint64:
        return this.#buffer.readBigInt64LE(this.#take(8))
      case tag.bigint:
        return this.#readMagnitude()
      case tag.negativeBigint:
        return -this.#readMagnitude()
      case tag.date:
        return new Date(this.readFloat64())
      case tag.bytes:
        return this.readBytes()
      case tag.view:
        return this.#readView()
      case tag.arrayBuffer:
        return this.readBytes().buffer
      case tag.v8:
        return this.#readByV8()
      default:
        return this.#readGroup(kind, depth + 1)
    }
  }

  #readGroup(kind: number, depth: number): unknown {
    // A writer stops at depthMax; only foreign bytes get deeper.
    if (depth > format.depthMax) throw this.#corrupt('values nest too deep')
    switch (kind) {
      case tag.object:
        return this.#readObject(depth)
      case tag.newShape: {
        const names = this.#readNames()
        this.#shapes.push(names)
        return this.#readFields(names, depth)
      }
      case tag.shape: {
        const names = this.#shapes[this.readUint()]
        if (names === undefined) throw this.#corrupt('a shape is unknown')
        return this.#readFields(names, depth)
      }
      case tag.named:
        return this.#readFields(this.#readNames(), depth)
      case tag.array: {
        const count = this.#count(1)
        const items: unknown[] = []
        for (let i = 0; i < count; i++) items.push(this.#read(depth))
        return items
      }
      case tag.map: {
        const count = this.#count(2)
        const map = new Map<unknown, unknown>()
        for (let i = 0; i < count; i++) {
          const key = this.#read(depth)
          map.set(key, this.#read(depth))
        }
        return map
      }
      case tag.set: {
        const count = this.#count(1)
        const set = new Set<unknown>()
        for (let i = 0; i < count; i++) set.add(this.#read(depth))
        return set
      }
      default:
        throw this.#corrupt(`tag ${kind} is unknown`)
    }
  }

  #readObject(depth: number): Record<string, unknown> {
    const count = this.#count(2)
    const object: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) setField(object, this.#readName(), this.#read(depth))
    return object
  }

  #readNames(): string[] {
    const count = this.#count(2)
    const names: string[] = []
    for (let i = 0; i < count; i++) names.push(this.#readName())
    return names
  }

  #readFields(names: readonly string[], depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) {
      setField(object, names[i] as string, this.#read(depth))
    }
    return object
  }

  #readName(): string {
    const kind = this.#byte()
    if (kind < format.shortString || kind >= format.smallInt) return this.#readText(kind)
    const start = this.#take(kind - format.shortString)
    this.#names ??= new NameCache()
    return this.#names.ascii(this.#buffer, start, this.#at)
  }

  #readText(kind: number): string {
    if (kind >= format.shortString && kind < format.smallInt) {
      const start = this.#take(kind - format.shortString)
      return this.#buffer.toString('latin1', start, this.#at)
    }
    if (kind !== tag.utf8 && kind !== tag.utf16) throw this.#corrupt(`tag ${kind} is no string`)
    const start = this.#take(this.readUint())
    return this.#buffer.toString(kind === tag.utf8 ? 'utf8' : 'utf16le', start, this.#at)
  }

  #readMagnitude(): bigint {
    const start = this.#take(this.readUint())
    return BigInt(`0x${this.#buffer.toString('hex', start, this.#at) || '0'}`)
  }

  #readView(): ArrayBufferView {
    const kind = format.viewKinds[this.#byte()]
    if (kind === undefined) throw this.#corrupt('a typed array is of no known kind')
    const { buffer } = this.readBytes()
    if (kind === 'DataView') return new DataView(buffer)
    const make = globalThis[kind]
    if (buffer.byteLength % make.BYTES_PER_ELEMENT !== 0) {
      throw this.#corrupt(`${buffer.byteLength} bytes are no ${kind}`)
    }
    return new make(buffer)
  }

  /** Typed arrays within are views on what it is given: of a copy, as the block is not theirs. */
  #readByV8(): unknown {
    const copy = this.readBytes()
    try {
      return deserialize(copy)
    } catch (thrown) {
      throw this.#corrupt(`node:v8 cannot read a value: ${messageOf(thrown)}`, thrown)
    }
  }

  #corrupt(what: string, cause?: unknown): MillraceError {
    const place = `byte ${this.#at} of ${this.#buffer.length}`
    return new MillraceError('state-corrupt', `at ${place} of a state value ${what}`, {
      hint: 'state of a newer version, or damaged: restore a copy of the data directory',
      cause,
    })
  }
}

function setField(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') {
    object[name] = value
    return
  }
  // A plain assignment would set the prototype.
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}
