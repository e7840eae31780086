/** Writes values of state as bytes (format: value-format.ts), with what structured clone keeps. */
import { serialize } from 'node:v8'
import { MillraceError, messageOf } from './error.ts'
import * as format from './value-format.ts'

const { tag } = format
/**
 * Thrown inside `writeValue` where the plain format does not do; node:v8 then writes the whole
 * value.
 */
const useV8 = Symbol('use node:v8')
const varintBytesMax = 8 // 2^53 takes 54 bits of 7
/** Up to here a list is searched for an object seen before; beyond, a Set. */
const seenListMax = 16

/** The names of objects of one kind. */
interface Shape {
  readonly names: readonly string[]
  /** Where it is defined. */
  readonly start: number
}

function hasNames(shape: Shape, names: readonly string[]): boolean {
  if (shape.names.length !== names.length) return false
  for (let i = 0; i < names.length; i++) if (shape.names[i] !== names[i]) return false
  return true
}

/**
 * A growing block of bytes. Kept by its owner and reused: `reset`, write, `bytes`.
 *
 * Values come back as structured clone would give them, with these differences: a typed array or
 * Buffer keeps only its own range, a Buffer becomes a Uint8Array, symbol keys and extra properties
 * of arrays are left out. Instances of classes become plain objects. Shared references and cycles
 * within one value are kept.
 */
export class ValueWriter {
  #buffer: Buffer
  #length = 0
  /** Objects below the root of the value in hand, to find those that occur twice. */
  readonly #seen: object[] = []
  #seenSet: Set<object> | null = null
  /** Names of objects written in this block, and which of them came last. */
  readonly #shapes: Shape[] = []
  #lastShape = 0

  constructor(bytes = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes)
  }

  /** Bytes written. */
  get length(): number {
    return this.#length
  }

  /** Forgets what was written; the memory stays. */
  reset(): void {
    this.truncate(0)
  }

  /** Takes back everything after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = Math.min(length, this.#length)
    while (this.#shapes.length > 0 && (this.#shapes.at(-1) as Shape).start >= length) {
      this.#shapes.pop()
    }
    this.#lastShape = 0
  }

  /** A copy, in an ArrayBuffer of its own. */
  bytes(): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.#length)
    copy.set(this.view())
    return copy
  }

  /** What was written, without copying: valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /**
   * Writes any value but functions, symbols and what holds them.
   * @throws `invalid-argument`; then nothing was written
   */
  writeValue(value: unknown): void {
    const start = this.#length
    try {
      this.#write(value, 0)
    } catch (thrown) {
      this.truncate(start)
      if (thrown !== useV8) throw thrown
      this.#writeByV8(value)
    }
    if (this.#seen.length > 0) {
      this.#seen.length = 0
      this.#seenSet = null
    }
  }

  /** @param count 0 to 2^53 - 1 */
  writeUint(count: number): void {
    this.#reserve(varintBytesMax)
    let rest = count
    while (rest > 0x7fff_ffff) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#length++] = rest
  }

  /** Any string, also with halves of surrogate pairs. */
  writeString(text: string): void {
    const length = text.length
    if (length > format.shortStringMax) {
      this.#writeLongString(text)
      return
    }
    this.#reserve(length + 1)
    const buffer = this.#buffer
    const start = this.#length
    let at = start + 1
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) {
        this.#writeLongString(text)
        return
      }
      buffer[at++] = unit
    }
    buffer[start] = format.shortString + length
    this.#length = at
  }

  writeFloat64(value: number): void {
    this.#reserve(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  /** Length and bytes. */
  writeBytes(bytes: Uint8Array): void {
    this.writeUint(bytes.length)
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }

  #tag(byte: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = byte
  }

  #write(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number':
        this.#writeNumber(value)
        return
      case 'string':
        this.writeString(value)
        return
      case 'boolean':
        this.#tag(value ? tag.true : tag.false)
        return
      case 'undefined':
        this.#tag(tag.undefined)
        return
      case 'bigint':
        this.#writeBigint(value)
        return
      case 'object':
        if (value === null) this.#tag(tag.null)
        else this.#writeObject(value, depth)
        return
      default:
        throw refusal(value, undefined)
    }
  }

  #writeNumber(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#tag(tag.float64)
      this.writeFloat64(value)
    } else if (value < 0) {
      this.#tag(tag.negativeInt)
      this.writeUint(-1 - value)
    } else if (value <= format.smallIntMax) {
      this.#tag(format.smallInt + value)
    } else {
      this.#tag(tag.int)
      this.writeUint(value)
    }
  }

  #writeLongString(text: string): void {
    if (text.isWellFormed()) {
      const size = Buffer.byteLength(text, 'utf8')
      this.#tag(tag.utf8)
      this.writeUint(size)
      this.#reserve(size)
      this.#length += this.#buffer.write(text, this.#length, 'utf8')
    } else {
      this.#tag(tag.utf16)
      this.writeUint(text.length * 2)
      this.#reserve(text.length * 2)
      this.#length += this.#buffer.write(text, this.#length, 'utf16le')
    }
  }

  #writeBigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.#tag(tag.bigint64)
      this.#reserve(8)
      this.#length = this.#buffer.writeBigInt64LE(value, this.#length)
      return
    }
    const digits = (value < 0n ? -value : value).toString(16)
    this.#tag(value < 0n ? tag.negativeBigint : tag.bigint)
    this.writeBytes(Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex'))
  }

  #writeObject(value: object, depth: number): void {
    if (depth > 0) this.#see(value)
    if (depth >= format.depthMax) throw useV8
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) {
      this.#writePlainObject(value as Record<string, unknown>, depth)
    } else if (Array.isArray(value)) this.#writeArray(value, depth)
    else if (prototype === Date.prototype) {
      this.#tag(tag.date)
      this.writeFloat64((value as Date).getTime())
    } else if (prototype === Map.prototype) {
      const map = value as Map<unknown, unknown>
      this.#tag(tag.map)
      this.writeUint(map.size)
      for (const [key, item] of map) {
        this.#write(key, depth + 1)
        this.#write(item, depth + 1)
      }
    } else if (prototype === Set.prototype) {
      const set = value as Set<unknown>
      this.#tag(tag.set)
      this.writeUint(set.size)
      for (const item of set) this.#write(item, depth + 1)
    } else if (ArrayBuffer.isView(value)) this.#writeView(value)
    else if (prototype === ArrayBuffer.prototype) {
      this.#tag(tag.arrayBuffer)
      this.writeBytes(new Uint8Array(value as ArrayBuffer))
    } else throw useV8
  }

  #writePlainObject(value: Record<string, unknown>, depth: number): void {
    const names = Object.keys(value)
    const shape = this.#shapeOf(names)
    if (shape >= 0) {
      this.#tag(tag.shape)
      this.writeUint(shape)
    } else this.#writeNames(names)
    for (let i = 0; i < names.length; i++) this.#write(value[names[i] as string], depth + 1)
  }

  /** The shape with these names, in this order; −1: there is none. */
  #shapeOf(names: readonly string[]): number {
    const shapes = this.#shapes
    const last = shapes[this.#lastShape]
    if (last !== undefined && hasNames(last, names)) return this.#lastShape
    for (let i = 0; i < shapes.length; i++) {
      if (!hasNames(shapes[i] as Shape, names)) continue
      this.#lastShape = i
      return i
    }
    return -1
  }

  #writeNames(names: readonly string[]): void {
    if (this.#shapes.length >= format.shapesMax) this.#tag(tag.named)
    else {
      this.#lastShape = this.#shapes.length
      this.#shapes.push({ names, start: this.#length })
      this.#tag(tag.newShape)
    }
    this.writeUint(names.length)
    for (let i = 0; i < names.length; i++) this.writeString(names[i] as string)
  }

  #writeArray(value: readonly unknown[], depth: number): void {
    this.#tag(tag.array)
    this.writeUint(value.length)
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      if (item === undefined && !(i in value)) throw useV8 // a hole: also keeps sparse arrays cheap
      this.#write(item, depth + 1)
    }
  }

  #writeView(view: ArrayBufferView): void {
    const kind = (view as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? ''
    const range = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    if (kind === 'Uint8Array') {
      this.#tag(tag.bytes)
    } else {
      const index = (format.viewKinds as readonly string[]).indexOf(kind)
      if (index < 0) throw useV8
      this.#tag(tag.view)
      this.#tag(index)
    }
    this.writeBytes(range)
  }

  /** Leaves the plain format where an object occurs a second time, so that identity is kept. */
  #see(value: object): void {
    if (this.#seenSet !== null) {
      if (this.#seenSet.has(value)) throw useV8
      this.#seenSet.add(value)
      return
    }
    if (this.#seen.includes(value)) throw useV8
    this.#seen.push(value)
    if (this.#seen.length > seenListMax) this.#seenSet = new Set(this.#seen)
  }

  #writeByV8(value: unknown): void {
    let bytes: Buffer
    try {
      bytes = serialize(value)
    } catch (thrown) {
      throw refusal(value, thrown)
    }
    this.#tag(tag.v8)
    this.writeBytes(bytes)
  }
}

function refusal(value: unknown, cause: unknown): MillraceError {
  const what = typeof value === 'object' ? messageOf(cause).split('\n', 1)[0] : `a ${typeof value}`
  return new MillraceError('invalid-argument', `state cannot keep ${what}`, {
    hint: 'keep plain data: no functions, symbols, promises or weak references',
    cause,
  })
}
