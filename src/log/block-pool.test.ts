import { expect, test } from 'vitest'
import { BlockPool } from './block-pool.ts'

test('what is given back is given out again, where it is large enough', () => {
  const pool = new BlockPool(1 << 20)
  const first = pool.take(5000)
  expect(first.byteLength).toBe(5120)
  pool.give(first)
  expect(pool.take(5200)).not.toBe(first)
  expect(pool.take(5120)).toBe(first)
  expect(pool.take(5120)).not.toBe(first)
})

test('it keeps no more than its bound, and nothing of odd size', () => {
  const pool = new BlockPool(16_384)
  const [a, b, c] = [pool.take(8000), pool.take(8000), pool.take(8000)]
  for (const memory of [a, b, c, new ArrayBuffer(5001), new ArrayBuffer(16)]) pool.give(memory)
  const again = [pool.take(8000), pool.take(8000), pool.take(8000)]
  expect(again.includes(a)).toBe(true)
  expect(again.includes(b)).toBe(true)
  expect(again.includes(c)).toBe(false)
  expect(pool.take(5000).byteLength).toBe(5120)
  expect(pool.take(16).byteLength).toBe(4096)
})

test('what is given is large enough and little larger', () => {
  const pool = new BlockPool(0)
  for (let bytes = 4097; bytes < 9 << 20; bytes = Math.ceil(bytes * 1.037)) {
    const { byteLength } = pool.take(bytes)
    expect(byteLength).toBeGreaterThanOrEqual(bytes)
    expect(byteLength).toBeLessThanOrEqual(bytes * 1.25)
  }
})

test('memory beyond the largest size is made to measure and not kept', () => {
  const pool = new BlockPool(1 << 30)
  const large = pool.take((8 << 20) + 1)
  expect(large.byteLength).toBe((8 << 20) + 1)
  pool.give(large)
  expect(pool.take((8 << 20) + 1)).not.toBe(large)
  const most = pool.take(8 << 20)
  pool.give(most)
  expect(pool.take(8 << 20)).toBe(most)
})
