import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCode } from './error.ts'
import { ValueReader, ValueWriter } from './value-codec.ts'
import { depthMax, tag } from './value-format.ts'

function trip(value: unknown): unknown {
  const writer = new ValueWriter(1)
  writer.writeValue(value)
  const reader = new ValueReader(writer.bytes())
  const read = reader.readValue()
  expect(reader.done).toBe(true)
  return read
}

function firstTag(value: unknown): number | undefined {
  const writer = new ValueWriter()
  writer.writeValue(value)
  return writer.view()[0]
}

const anyValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: false,
  stringUnit: 'binary',
})

describe('writeValue and readValue', () => {
  test('anything comes back as structured clone gives it', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(trip(value)).toStrictEqual(structuredClone(value))
      }),
      { numRuns: 500 },
    )
  })

  test('any double and any string, with halves of surrogate pairs', () => {
    const units = fc.array(fc.nat(0xffff)).map((list) => String.fromCharCode(...list))
    fc.assert(
      fc.property(fc.double(), units, fc.bigInt(), (number, text, big) => {
        expect(trip(number)).toBe(number)
        expect(trip(text)).toBe(text)
        expect(trip({ [text]: 1 })).toStrictEqual({ [text]: 1 })
        expect(trip(big)).toBe(big)
      }),
    )
  })

  test.each([
    [0],
    [-0],
    [1],
    [-1],
    [127],
    [128],
    [-128],
    [2 ** 31],
    [2 ** 32],
    [-(2 ** 31) - 1],
    [Number.MAX_SAFE_INTEGER],
    [Number.MIN_SAFE_INTEGER],
    [2 ** 53],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [Number.MIN_VALUE],
    [2n ** 63n],
    [-(2n ** 63n)],
    [-(2n ** 63n) - 1n],
    [2n ** 4096n],
    [-(2n ** 4096n)],
    [''],
    ['a'.repeat(63)],
    ['a'.repeat(64)],
    ['ü'.repeat(40)],
    ['\uD800'],
    ['a\0'],
    [new Date(0)],
    [new Date(-1)],
    [[undefined, null, [], {}]],
    [{ a: undefined }],
    [new Map<unknown, unknown>([[{ k: 1 }, new Set([1, '1'])]])],
    [new Uint8Array([1, 2])],
    [new Float64Array([1.5, Number.NaN])],
    [new BigInt64Array([-1n])],
    [new Uint8Array([1, 2]).buffer],
    [new DataView(new Uint8Array([7]).buffer)],
    [/a/gi],
    [Object(1)],
  ])('%o', (value) => {
    expect(trip(value)).toStrictEqual(value)
  })

  test('an invalid date stays invalid', () => {
    expect((trip(new Date(Number.NaN)) as Date).getTime()).toBeNaN()
  })

  test('a view keeps its own range only, a Buffer becomes a Uint8Array', () => {
    const whole = new Uint16Array([1, 2, 3, 4])
    const read = trip(whole.subarray(1, 3)) as Uint16Array
    expect([...read]).toStrictEqual([2, 3])
    expect(read.buffer.byteLength).toBe(4)
    expect(trip(Buffer.from('ab'))).toStrictEqual(new Uint8Array([97, 98]))
  })

  test('a __proto__ member is an own property and changes no prototype', () => {
    const read = trip(JSON.parse('{"__proto__":{"admin":true},"a":1}')) as object
    expect(Object.getOwnPropertyNames(read)).toStrictEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  test('cycles and shared references are kept', () => {
    const shared = { n: 1 }
    const value: Record<string, unknown> = { a: shared, list: [shared] }
    value.self = value
    const read = trip(value) as { a: object; list: object[]; self: object }
    expect(read.self).toBe(read)
    expect(read.list[0]).toBe(read.a)
    const many = Array.from({ length: 50 }, (_, i) => ({ i }))
    const twice = trip([...many, many[40]]) as object[]
    expect(twice[50]).toBe(twice[40])
    expect(firstTag(many)).toBe(tag.array)
  })

  test('one object in two values is written plainly each time', () => {
    const shared = { n: { m: 1 } }
    const writer = new ValueWriter()
    writer.writeValue(shared)
    const { length } = writer
    writer.writeValue(shared)
    writer.writeValue(shared)
    expect(writer.length).toBe(length + 2 * 5) // two shapes of two bytes, and the number
    const reader = new ValueReader(writer.bytes())
    for (let i = 0; i < 3; i++) expect(reader.readValue()).toStrictEqual(shared)
    expect(reader.done).toBe(true)
  })

  test('holes stay holes and sparse arrays stay small', () => {
    const holed = [1, 2, 3]
    delete holed[1]
    const read = trip(holed) as number[]
    expect(read).toHaveLength(3)
    expect(1 in read).toBe(false)
    const sparse: number[] = []
    sparse[100_000_000] = 1
    const writer = new ValueWriter()
    writer.writeValue(sparse)
    expect(writer.length).toBeLessThan(100)
  })

  test('errors and instances come back as structured clone gives them', () => {
    class Point {
      x = 1
    }
    expect(trip(new Point())).toStrictEqual({ x: 1 })
    expect((trip(new RangeError('no')) as Error).message).toBe('no')
  })

  test('nesting deeper than the format goes is kept', () => {
    let deep: unknown = 1
    for (let i = 0; i < depthMax * 3; i++) deep = [deep]
    expect(JSON.stringify(trip(deep))).toBe(JSON.stringify(deep))
    expect(firstTag(deep)).toBe(tag.v8)
  })

  test.each([
    [() => 1],
    [Symbol('s')],
    [{ a: { b: () => 1 } }],
    [[Promise.resolve()]],
    [new WeakMap()],
  ])('%o is refused and leaves the writer as it was', (value) => {
    const writer = new ValueWriter()
    writer.writeValue('before')
    const before = writer.bytes()
    let thrown: unknown
    try {
      writer.writeValue(value)
    } catch (error) {
      thrown = error
    }
    expect(isCode(thrown, 'invalid-argument')).toBe(true)
    expect((thrown as Error).message).toContain('state cannot keep')
    expect(writer.bytes()).toStrictEqual(before)
  })

  test('a small accumulator takes few bytes', () => {
    const writer = new ValueWriter()
    writer.writeValue({ count: 3, sum: 4.5, min: -1, name: 'abc' })
    expect(writer.length).toBe(37)
  })
})

describe('parts', () => {
  test('numbers, strings, bytes and values follow each other', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.double(), fc.uint8Array(), (count, number, bytes) => {
        const writer = new ValueWriter(1)
        writer.writeUint(count)
        writer.writeString('über')
        writer.writeFloat64(number)
        writer.writeBytes(bytes)
        writer.writeValue([1])
        const reader = new ValueReader(writer.bytes())
        expect(reader.readUint()).toBe(count)
        expect(reader.readString()).toBe('über')
        expect(reader.readFloat64()).toBe(number)
        expect(reader.readBytes()).toStrictEqual(bytes)
        expect(reader.readValue()).toStrictEqual([1])
        expect(reader.done).toBe(true)
      }),
    )
  })

  test('bytes() is a copy, reset and truncate take back', () => {
    const writer = new ValueWriter()
    writer.writeValue(1)
    const first = writer.bytes()
    writer.writeValue(2)
    writer.truncate(1)
    expect(writer.bytes()).toStrictEqual(first)
    writer.reset()
    expect(writer.length).toBe(0)
    writer.writeValue(3)
    expect(new ValueReader(first).readValue()).toBe(1)
  })

  test('a reader used again reads the new block', () => {
    const writer = new ValueWriter()
    writer.writeValue({ alpha: 1 })
    const reader = new ValueReader(writer.bytes())
    expect(reader.readValue()).toStrictEqual({ alpha: 1 })
    writer.reset()
    writer.writeValue({ alphb: 1, beta: 2 })
    reader.reset(writer.bytes())
    expect(reader.readValue()).toStrictEqual({ alphb: 1, beta: 2 })
  })
})

describe('bytes that do not fit', () => {
  const fails = (bytes: Uint8Array): boolean => {
    try {
      new ValueReader(bytes).readValue()
      return false
    } catch (thrown) {
      if (!isCode(thrown, 'state-corrupt')) throw thrown
      return true
    }
  }

  test.each([
    ['nothing', []],
    ['unknown tag', [0x3f]],
    ['string too long', [tag.utf8, 5, 65]],
    ['short string too long', [0x45, 65]],
    ['array too long', [tag.array, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['map too long', [tag.map, 2, 0x80, 0x80]],
    ['object with a number as name', [tag.object, 1, 0x81, 0x81]],
    ['endless varint', [tag.int, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['too large varint', [tag.int, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['half a float', [tag.float64, 1, 2]],
    ['typed array of no kind', [tag.view, 99, 0]],
    ['typed array of odd length', [tag.view, 2, 1, 1]],
    ['nesting', Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? tag.array : 1))],
    ['no v8 value', [tag.v8, 2, 1, 2]],
  ])('%s', (_name, bytes) => {
    expect(fails(new Uint8Array(bytes))).toBe(true)
  })

  test('random and damaged bytes give a value or state-corrupt, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        fails(bytes)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat(255), (value, at, byte) => {
        const writer = new ValueWriter()
        writer.writeValue(value)
        const bytes = writer.bytes()
        bytes[at % bytes.length] = byte
        fails(bytes)
        expect(fails(writer.bytes().subarray(0, at % writer.length))).toBe(true)
      }),
    )
  })
})

test('typed arrays that node:v8 reads are no views on the block', () => {
  let nested: unknown = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
  for (let depth = 0; depth <= depthMax; depth++) nested = [nested]
  const writer = new ValueWriter()
  writer.writeValue(nested)
  const block = Buffer.from(writer.bytes())
  let read = new ValueReader(block).readValue()
  block.fill(0)
  while (Array.isArray(read)) [read] = read as unknown[]
  expect(read).toStrictEqual(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
})
