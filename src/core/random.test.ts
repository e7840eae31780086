import { expect, test } from 'vitest'
import { seededRandom, systemRandom, uniqueName, xoshiro128 } from './random.ts'

test('xoshiro128** gives the numbers of its definition', () => {
  // The published recurrence in whole numbers without 32-bit tricks.
  const mod = 2n ** 32n
  const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) % mod
  const s = [1n, 2n, 3n, 4n] as [bigint, bigint, bigint, bigint]
  const { word } = xoshiro128([1, 2, 3, 4])
  for (let i = 0; i < 1000; i++) {
    const expected = (rotate((s[1] * 5n) % mod, 7n) * 9n) % mod
    const t = (s[1] << 9n) % mod
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotate(s[3], 11n)
    expect(word()).toBe(Number(expected))
  }
})

test('a seed repeats its numbers, another gives others', () => {
  const numbers = (seed: number): number[] => {
    const random = seededRandom(seed)
    return Array.from({ length: 20 }, () => random.next())
  }
  expect(numbers(7)).toStrictEqual(numbers(7))
  expect(numbers(7)).not.toStrictEqual(numbers(8))
  expect(numbers(1)).not.toStrictEqual(numbers(1 + 2 ** 32))
})

test.each([
  ['seeded', seededRandom(1)],
  ['system', systemRandom],
])('%s numbers are spread over their range', (_, random) => {
  const counts = Array.from({ length: 10 }, () => 0)
  for (let i = 0; i < 10_000; i++) {
    const next = random.next()
    expect(next >= 0 && next < 1).toBe(true)
    const face = random.int(10)
    counts[face] = (counts[face] ?? Number.NaN) + 1
  }
  for (const count of counts) expect(count).toBeGreaterThan(800)
  expect(counts).toHaveLength(10)
})

test('names are 20 characters and differ', () => {
  const random = seededRandom(3)
  const names = Array.from({ length: 100 }, () => uniqueName(random))
  expect(new Set(names).size).toBe(100)
  expect(names.every((name) => /^[0-9a-z]{20}$/.test(name))).toBe(true)
})
