import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  KeylessPartitioner,
  murmur2,
  murmur2Text,
  partitionOf,
  partitionOfText,
} from './partitioner.ts'

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('L7 murmur2 of %s is what Kafka computes', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
  expect(murmur2Text(text)).toBe(hash)
  expect(murmur2(Buffer.from(`xx${text}y`), 2, 2 + text.length)).toBe(hash)
})

test('L7 a partition is the hash without its sign, modulo the count', () => {
  expect(partitionOf(Buffer.from('21'), 1000)).toBe((-973932308 & 0x7fff_ffff) % 1000)
  expect(partitionOfText('21', 1000)).toBe((-973932308 & 0x7fff_ffff) % 1000)
  expect(partitionOfText('21', 1)).toBe(0)
})

test('L7 text and its bytes go to the same partition', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 1024 }), (key, partitions) => {
      const bytes = Buffer.from(key)
      expect(murmur2Text(key)).toBe(murmur2(bytes))
      const partition = partitionOf(bytes, partitions)
      expect(partitionOfText(key, partitions)).toBe(partition)
      expect(partition >= 0 && partition < partitions).toBe(true)
    }),
  )
})

test('records without key go to each partition in turn', () => {
  const keyless = new KeylessPartitioner(2)
  const given = Array.from({ length: 8 }, () => keyless.next(3))
  expect(given).toStrictEqual([0, 0, 1, 1, 2, 2, 0, 0])
  expect(keyless.next(1)).toBe(0)
  expect(() => new KeylessPartitioner(0)).toThrow('at least 1')
})
