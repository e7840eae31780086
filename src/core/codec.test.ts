import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Codec, bytes, codec, json, string } from './codec.ts'
import { MillraceError } from './error.ts'

function errorOf(run: () => unknown): MillraceError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

/**
 * Each way to decode one value among others: alone, in a batch that is valid, in one that is not.
 */
function decodings<T>(of: Codec<T>, value: Buffer): (() => T)[] {
  const valid = Buffer.concat([Buffer.from('{"ü":1}'), value, Buffer.from('"ü"')])
  const invalid = Buffer.concat([Buffer.from([0x7b, 0xff, 0x7d, 1, 2, 3, 4, 5]), value])
  return [
    () => of.decode(valid, 8, 8 + value.length),
    () => of.decoder(value, 0, value.length)(0, value.length),
    () => of.decoder(valid, 0, valid.length)(8, 8 + value.length),
    () => of.decoder(valid, 8, 8 + value.length)(8, 8 + value.length),
    () => of.decoder(invalid, 0, invalid.length)(8, 8 + value.length),
  ]
}

function bytesOf(encoded: string | Uint8Array): Buffer {
  return typeof encoded === 'string' ? Buffer.from(encoded) : Buffer.from(encoded)
}

describe('json', () => {
  test('plain data round-trips, in every kind of batch', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const encoded = bytesOf(json().encode(value))
        const expected: unknown = JSON.parse(encoded.toString())
        for (const decode of decodings(json(), encoded)) expect(decode()).toStrictEqual(expected)
      }),
    )
  })

  test('a __proto__ member is an own property and changes no prototype', () => {
    const value = json<object>().decode(Buffer.from('{"__proto__":{"admin":true}}'), 0, 28)
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test.each([
    ['', 'the value is empty, which is not JSON'],
    [' \n', 'holds only white space'],
    ['{"a":1', 'ends too early at position 6: {"a":1'],
    ['{"a":1,}', 'is not JSON at position 7: {"a":1,}'],
    ['{"a":\n oops}', 'is not JSON at position 7'],
    ['\uFEFF{}', 'is not JSON at position 0'],
  ])('%j is refused', (text, message) => {
    for (const decode of decodings(json(), Buffer.from(text))) {
      const error = errorOf(decode)
      expect(error.code).toBe('decode-failed')
      expect(error.message).toContain(message)
      expect(error.message).not.toContain('\n')
    }
  })

  test('a byte order mark is named in the hint', () => {
    expect(errorOf(() => json().decode(Buffer.from('\uFEFF{}'), 0, 5)).hint).toContain('byte order')
  })

  test('a message shows the place of the fault and at most 60 characters', () => {
    const text = `{"a":"${'x'.repeat(500)}",oops,"b":"${'y'.repeat(500)}"}`
    const { message } = errorOf(() => json().decode(Buffer.from(text), 0, text.length))
    expect(message).toContain('oops')
    expect(message.length).toBeLessThanOrEqual(
      'the value is not JSON at position 508: '.length + 62,
    )
  })

  test.each([
    [[0x22, 0xff, 0x22]],
    [[0x22, 0xc3, 0x22]],
    [[0x22, 0xed, 0xa0, 0x80, 0x22]],
    [[0x22, 0xc0, 0x80, 0x22]],
  ])('bytes %j, not UTF-8, are refused and never replaced', (given) => {
    for (const decode of decodings(json(), Buffer.from(given))) {
      const error = errorOf(decode)
      expect(error.code).toBe('decode-failed')
      expect(error.message).toContain('not valid UTF-8')
    }
  })

  test('two halves of a character in neighbouring records are two bad records', () => {
    const block = Buffer.from('aüb')
    const decode = string().decoder(block, 0, 4)
    expect(errorOf(() => decode(0, 2)).message).toContain('UTF-8')
    expect(errorOf(() => decode(2, 4)).message).toContain('UTF-8')
    expect(decode(0, 1) + decode(1, 3) + decode(3, 4) + decode(4, 4)).toBe('aüb')
  })

  test('encoding follows JSON.stringify', () => {
    expect(json().encode({ at: new Date(0), gone: undefined, nan: Number.NaN })).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","nan":null}',
    )
  })

  test.each([
    ['undefined', undefined, 'undefined', 'return a value'],
    ['a function', () => 1, 'a function', 'return a value'],
    ['a symbol', Symbol('s'), 'a symbol', 'return a value'],
    ['a bigint', { n: 1n }, 'BigInt', 'msgpack()'],
    [
      'a cycle',
      (() => {
        const o: { self?: unknown } = {}
        o.self = o
        return o
      })(),
      'circular',
      'without cycles',
    ],
  ])('%s is refused', (_name, value, message, hint) => {
    const error = errorOf(() => json().encode(value))
    expect(error.code).toBe('encode-failed')
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('\n')
    expect(error.hint).toContain(hint)
  })
})

describe('string', () => {
  test('text round-trips, in every kind of batch', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const decode of decodings(string(), bytesOf(string().encode(text)))) {
          expect(decode()).toBe(text)
        }
      }),
    )
  })

  test('half a surrogate pair and what is no string are refused', () => {
    expect(errorOf(() => string().encode('a\uD800')).code).toBe('encode-failed')
    expect(errorOf(() => string().encode(1 as unknown as string)).message).toContain('a number')
  })
})

describe('bytes', () => {
  test('decoding gives a copy', () => {
    const block = Buffer.from([1, 2, 3])
    for (const value of [bytes().decode(block, 1, 3), bytes().decoder(block, 0, 3)(1, 3)]) {
      expect(value).toStrictEqual(new Uint8Array([2, 3]))
      value[0] = 9
    }
    expect(block[1]).toBe(2)
  })

  test('encoding gives the bytes and refuses the rest', () => {
    expect(bytes().encode(new Uint8Array([1]))).toStrictEqual(new Uint8Array([1]))
    expect(errorOf(() => bytes().encode('a' as unknown as Uint8Array)).code).toBe('encode-failed')
    expect(errorOf(() => bytes().encode(null as unknown as Uint8Array)).message).toContain('null')
  })
})

test('codec() makes one of two functions', () => {
  const hex = codec({
    name: 'hex',
    decode: (range) => range.toString('hex'),
    encode: (text: string) => Buffer.from(text, 'hex'),
  })
  expect(hex.name).toBe('hex')
  for (const decode of decodings(hex, bytesOf(hex.encode('00ff')))) expect(decode()).toBe('00ff')
})
