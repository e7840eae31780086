import { describe, expect, test } from 'vitest'
import { hashBits, hashOfKey } from './hash.ts'
import { stateKey } from './key.ts'
import type { Key } from './key.ts'

test('the same for ever: sketches in state are made of it', () => {
  const known: Key[] = [
    '',
    'a',
    'user-17',
    'Grüße, 世界 🌍',
    0,
    1,
    -1,
    2 ** 53 - 1,
    1.5,
    7n,
    ['a', 1],
  ]
  expect(known.map((key) => hashOfKey(stateKey(key)))).toMatchInlineSnapshot(`
    [
      1382177577128230,
      8287345830803519,
      1944730433394466,
      6728475255692778,
      6524198786774434,
      5272385483500776,
      8395652171360959,
      1550219376726751,
      7231725031186370,
      1228716808188030,
      2278917108752665,
    ]
  `)
})

describe('as good as chance', () => {
  const families: [string, (i: number) => string | number][] = [
    ['counting numbers', (i) => i],
    ['negative numbers', (i) => -1 - i],
    ['multiples of 2^20', (i) => i * 2 ** 20],
    ['fractions', (i) => i / 64 + 0.001],
    ['numbered texts', (i) => `user-${i}`],
    ['numbers as texts', (i) => String(i)],
    ['long texts that differ at their start', (i) => `${i}${'x'.repeat(40)}`],
    ['texts of two characters', (i) => String.fromCharCode(i % 251, 0x4e00 + Math.floor(i / 251))],
    ['one character, many times', (i) => 'a'.repeat(i % 2000) + Math.floor(i / 2000)],
    ['arrays', (i) => stateKey([i % 100, Math.floor(i / 100)])],
  ]
  const n = 40_000

  test.each(families)('%s', (_, keyOf) => {
    const hashes = Array.from({ length: n }, (_x, i) => hashOfKey(keyOf(i)))
    // No two the same: by chance 1 in 10^7.
    expect(new Set(hashes).size).toBe(n)
    // Each bit is set as often as not, within 5 sigma.
    for (let bit = 0; bit < hashBits; bit++) {
      const set = hashes.filter((hash) => Math.floor(hash / 2 ** bit) % 2 === 1).length
      expect(Math.abs(set - n / 2)).toBeLessThan(5 * Math.sqrt(n / 4))
    }
    // The first 10 bits, and the last, are even over 1024 cells: chi square, 5 sigma.
    for (const cellOf of [
      (hash: number) => Math.floor(hash / 2 ** (hashBits - 10)),
      (hash: number) => hash % 1024,
    ]) {
      const cells = new Float64Array(1024)
      for (const hash of hashes) (cells[cellOf(hash)] as number) += 1
      const wanted = n / 1024
      const chi = cells.reduce((sum, count) => sum + (count - wanted) ** 2 / wanted, 0)
      expect(Math.abs(chi - 1023)).toBeLessThan(5 * Math.sqrt(2 * 1023))
    }
  })

  test('one bit of the key changes half the bits of the hash', () => {
    let changed = 0
    const pairs = 20_000
    for (let i = 0; i < pairs; i++) {
      const [a, b] = [hashOfKey(i), hashOfKey(i ^ (1 << (i % 20)))]
      for (let bit = 0; bit < hashBits; bit++) {
        changed += Math.abs((Math.floor(a / 2 ** bit) % 2) - (Math.floor(b / 2 ** bit) % 2))
      }
    }
    expect(changed / pairs / hashBits).toBeCloseTo(0.5, 2)
  })
})

test('a number and its text, a key and one of another type differ', () => {
  const keys: Key[] = [1, '1', 1n, true, 'true', ['1'], [1], '', [], 1.5, '1.5']
  expect(new Set(keys.map((key) => hashOfKey(stateKey(key)))).size).toBe(keys.length)
  expect(hashOfKey(stateKey(-0))).toBe(hashOfKey(stateKey(0)))
})
