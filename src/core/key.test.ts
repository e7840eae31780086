import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCode } from './error.ts'
import { type Key, compareKeys, decodeKey, encodeKey, keyOfState, stateKey } from './key.ts'

const part = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', '\0n', '\0s', '1', 'true', 'a'),
  fc.double(),
  fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY),
  fc.bigInt(),
  fc.boolean(),
)
const anyKey: fc.Arbitrary<Key> = fc.oneof(part, fc.array(part, { maxLength: 3 }))

/** Equal as keys: Object.is but −0 = 0, arrays by content. */
function same(a: Key, b: Key): boolean {
  if (typeof a === 'object' && typeof b === 'object') {
    return a.length === b.length && a.every((one, i) => same(one, b[i] as Key))
  }
  return Object.is(a, b) || a === b
}

describe('stateKey', () => {
  test('is equal exactly where the keys are', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        expect(stateKey(a) === stateKey(b)).toBe(same(a, b))
        expect(stateKey(a)).toBe(stateKey(a))
      }),
      { numRuns: 1000 },
    )
  })

  test('keyOfState gives the key back', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(same(keyOfState(stateKey(key)), key)).toBe(true)
      }),
    )
  })

  test('tells types and contents apart', () => {
    const keys: Key[] = [
      1,
      '1',
      1n,
      true,
      'true',
      '',
      [],
      [''],
      [1, 'a'],
      ['1', 'a'],
      [1n],
      '[1]',
      Number.NaN,
      'NaN',
    ]
    expect(new Set(keys.map(stateKey)).size).toBe(keys.length)
    expect(stateKey(-0)).toBe(0)
    expect(Object.is(stateKey(-0), 0)).toBe(true)
    expect(stateKey('abc')).toBe('abc')
  })

  test('text that is no key of state is refused', () => {
    expect(() => keyOfState('\0?')).toThrow('not a key of state')
  })
})

describe('encodeKey', () => {
  test.each<[Key, string]>([
    ['abc', 'abc'],
    ['', ''],
    ['ü', 'ü'],
    [12, '12'],
    [-0, '0'],
    [1.5, '1.5'],
    [12n, '12'],
    [true, 'true'],
    [[1, 'a"b', true], '[1,"a\\"b",true]'],
    [[1n, Number.NaN, -0], '[{"bigint":"1"},{"number":"NaN"},0]'],
    [[], '[]'],
  ])('%o is written %s', (key, text) => {
    expect(encodeKey(key)).toBe(text)
  })

  test('keys of one type never share a text', () => {
    const one = fc.oneof(
      fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
      fc.tuple(fc.double(), fc.double()),
      fc.tuple(fc.bigInt(), fc.bigInt()),
      fc.tuple(fc.array(part), fc.array(part)),
    )
    fc.assert(
      fc.property(one, ([a, b]) => {
        expect(encodeKey(a) === encodeKey(b)).toBe(same(a, b))
        expect(encodeKey(a).isWellFormed()).toBe(true)
      }),
    )
  })

  test.each([[null], [undefined], [{}], [Symbol('s')], [[null]], [[[1]]], ['\uD800']])(
    '%o is refused',
    (key) => {
      let thrown: unknown
      try {
        encodeKey(key as unknown as Key)
      } catch (error) {
        thrown = error
      }
      expect(isCode(thrown, 'invalid-argument')).toBe(true)
    },
  )
})

describe('compareKeys', () => {
  test('is a total order that agrees with stateKey', () => {
    fc.assert(
      fc.property(anyKey, anyKey, anyKey, (a, b, c) => {
        expect(Math.sign(compareKeys(a, b))).toBe(-Math.sign(compareKeys(b, a)) + 0)
        expect(compareKeys(a, b) === 0).toBe(stateKey(a) === stateKey(b))
        if (compareKeys(a, b) <= 0 && compareKeys(b, c) <= 0) {
          expect(compareKeys(a, c)).toBeLessThanOrEqual(0)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('orders types, numbers, text and arrays', () => {
    const order: Key[] = [
      false,
      true,
      Number.NEGATIVE_INFINITY,
      -1,
      0,
      2,
      10,
      Number.NaN,
      -5n,
      10n,
      '',
      '10',
      '2',
      'a',
      'ab',
      'b',
      '\uFFFF',
      '\u{10000}',
      [],
      [1],
      [1, 'a'],
      [2],
      ['1'],
    ]
    expect(order.toReversed().toSorted(compareKeys)).toStrictEqual(order)
  })

  test('text is in the order of its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })
})

test('decodeKey reads text and refuses other bytes', () => {
  expect(decodeKey(Buffer.from('xkeyx'), 1, 4)).toBe('key')
  expect(() => decodeKey(Buffer.from([0xff]), 0, 1)).toThrow('UTF-8')
})
