import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { isCode } from './error.ts'
import { msgpack } from './msgpack-codec.ts'

const codec = msgpack()

function trip(value: unknown): unknown {
  const bytes = codec.encode(value) as Uint8Array
  const block = Buffer.concat([Buffer.from([1]), bytes, Buffer.from([1])])
  const decoded = codec.decoder(block, 0, block.length)(1, 1 + bytes.length)
  expect(codec.decode(block, 1, 1 + bytes.length)).toStrictEqual(decoded)
  return decoded
}

function decode(bytes: readonly number[]): unknown {
  return codec.decode(Buffer.from(bytes), 0, bytes.length)
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    for (const code of ['decode-failed', 'encode-failed'] as const) {
      if (isCode(thrown, code)) return code
    }
    throw thrown
  }
  return 'none'
}

const text = fc.string({ unit: 'grapheme' })
const scalar = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, 0, 127, 128, -32, -33, 255, 256, 65_535, 65_536),
  fc.constantFrom(-128, -129, -32_768, -32_769, -(2 ** 31), 2 ** 32 - 1, 2 ** 32),
)
const rich = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(text, tie('value'), { noNullPrototype: true }),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((pairs) => new Map(pairs)),
    fc.array(tie('value')).map((items) => new Set(items)),
  ),
})).value
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar.filter((value) => value !== undefined),
    fc.array(tie('value')),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('value'),
      { noNullPrototype: true },
    ),
  ),
})).value

describe('msgpack', () => {
  test('Date, Map, Set, bigint, bytes and plain data round-trip', () => {
    fc.assert(
      fc.property(rich, (value) => {
        expect(trip(value)).toStrictEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['text', [15, 16, 31, 32, 255, 256, 65_535, 65_536].map((n) => 'x'.repeat(n))],
    ['arrays', [15, 16, 65_535, 65_536].map((n) => Array.from({ length: n }, () => 1))],
    [
      'sets',
      [0, 1, 15, 16, 250, 65_530, 65_536].map(
        (n) => new Set(Array.from({ length: n }, (_, i) => i)),
      ),
    ],
    ['bytes', [0, 255, 256, 65_535, 65_536].map((n) => new Uint8Array(n))],
    [
      'objects',
      [15, 16, 65_536].map((n) =>
        Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i])),
      ),
    ],
    ['bigints', [0n, -1n, 127n, 128n, -128n, -129n, 2n ** 63n, -(2n ** 63n), 2n ** 2100n]],
    ['dates', [new Date(0), new Date(-1), new Date(8.64e15), new Date(-8.64e15)]],
  ])('%s of every length', (_name, values) => {
    for (const value of values) expect(trip(value)).toStrictEqual(value)
  })

  test('another implementation reads what this one writes, and the reverse', () => {
    const packr = new Packr({ useRecords: false })
    const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })
    fc.assert(
      fc.property(plain, fc.date({ noInvalidDate: true }), fc.bigInt(), (value, date, big) => {
        const mine = codec.encode(value) as Uint8Array
        expect(unpackr.unpack(mine)).toStrictEqual(value)
        const theirs = packr.pack(value)
        // Not the value itself: msgpackr writes −0 as 0.
        expect(codec.decode(theirs, 0, theirs.length)).toStrictEqual(unpackr.unpack(theirs))
        expect(unpackr.unpack(codec.encode(date) as Uint8Array)).toStrictEqual(date)
        const theirDate = packr.pack(date)
        expect(codec.decode(theirDate, 0, theirDate.length)).toStrictEqual(date)
        expect(unpackr.unpack(codec.encode(big) as Uint8Array)).toBe(big)
      }),
    )
  })

  test('whole numbers of 64 bits are numbers where exact', () => {
    expect(decode([0xcf, 0, 0, 0, 1, 0, 0, 0, 0])).toBe(2 ** 32)
    expect(decode([0xd3, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0])).toBe(-(2 ** 33))
    expect(decode([0xcf, ...Array.from({ length: 8 }, () => 0xff)])).toBe(2n ** 64n - 1n)
    expect(decode([0xca, 0x3f, 0x80, 0, 0])).toBe(1)
  })

  test('a map with keys other than text is a Map', () => {
    expect(decode([0x82, 1, 2, 0xa1, 97, 3])).toStrictEqual(
      new Map<unknown, number>([
        [1, 2],
        ['a', 3],
      ]),
    )
  })

  test('a __proto__ member is an own property and changes no prototype', () => {
    const value = trip(JSON.parse('{"__proto__":{"admin":true}}')) as object
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('timestamps in the two short forms', () => {
    expect(decode([0xd6, 0xff, 0, 0, 0, 10])).toStrictEqual(new Date(10_000))
    // 1.5 s: 500,000,000 ns in the upper 30 bits
    expect(decode([0xd7, 0xff, 0x77, 0x35, 0x94, 0, 0, 0, 0, 1])).toStrictEqual(new Date(1500))
  })

  test.each([
    ['a function', () => 1],
    ['a symbol', [Symbol('s')]],
    ['a class instance', new (class Point {})()],
    ['a RegExp', /a/],
    ['an invalid Date', new Date(Number.NaN)],
    ['half a surrogate pair', '\uD800'],
    [
      'a cycle',
      (() => {
        const list: unknown[] = []
        list.push(list)
        return list
      })(),
    ],
  ])('%s is refused', (_name, value) => {
    expect(codeOf(() => codec.encode(value))).toBe('encode-failed')
  })
})

describe('hostile bytes', () => {
  test.each([
    ['nothing', []],
    ['bytes left over', [1, 2]],
    ['unused token', [0xc1]],
    ['cut text', [0xa5, 65]],
    ['text not UTF-8', [0xa2, 0xc3, 0x28]],
    ['long text not UTF-8', [0xd9, 30, ...Array.from({ length: 29 }, () => 65), 0xff]],
    ['huge array', [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ['huge map', [0xdf, 0xff, 0xff, 0xff, 0xff, 1]],
    ['huge text', [0xdb, 0xff, 0xff, 0xff, 0xff, 1]],
    ['huge bytes', [0xc6, 0xff, 0xff, 0xff, 0xff, 1]],
    ['huge extension', [0xc9, 0xff, 0xff, 0xff, 0xff, 1]],
    ['unknown extension', [0xd4, 0x20, 0]],
    ['records of msgpackr', [0xd4, 0x72, 0x40, 0x91, 0xa1, 97, 1]],
    ['timestamp of 2 bytes', [0xd5, 0xff, 0, 0]],
    ['Map with a key alone', [0xd5, 0x4d, 0x91, 1]],
    ['Set of no array', [0xd4, 0x53, 1]],
    ['nested 100,000 deep', Array.from({ length: 100_000 }, () => 0x91)],
    ['Sets nested', Array.from({ length: 200 }, () => [0xc7, 255, 0x53, 0x91]).flat()],
  ])('%s: decode-failed', (_name, bytes) => {
    expect(codeOf(() => decode(bytes))).toBe('decode-failed')
  })

  test('random and damaged bytes give a value or decode-failed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), rich, fc.nat(), (random, value, at) => {
        codeOf(() => decode([...random]))
        const bytes = codec.encode(value) as Uint8Array
        const cut = at % bytes.length
        expect(codeOf(() => decode([...bytes.subarray(0, cut)]))).toBe('decode-failed')
        bytes[cut] = at & 0xff
        codeOf(() => decode([...bytes]))
      }),
      { numRuns: 1000 },
    )
  })
})

test('extensions within extensions do not nest without a bound', () => {
  // Each holds the next one, 60,000 levels: it overflowed the stack.
  const levels = 60_000
  const bytes = Buffer.alloc(levels * 6 + 1)
  for (let i = 0; i < levels; i++) {
    const at = i * 6
    bytes[at] = 0xc9
    bytes.writeUInt32BE(bytes.length - at - 6, at + 1)
    bytes[at + 5] = 0x53
  }
  expect(codeOf(() => codec.decode(bytes, 0, bytes.length))).toBe('decode-failed')
  expect(codeOf(() => decode([0xc7, 0, 0x53]))).toBe('decode-failed')
})

test('a timestamp beyond what Date holds is refused', () => {
  const bytes = Buffer.from('c70cff0000000000000fffffffffff', 'hex')
  expect(codeOf(() => codec.decode(bytes, 0, bytes.length))).toBe('decode-failed')
})
