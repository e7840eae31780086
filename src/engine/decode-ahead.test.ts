import { expect, test } from 'vitest'
import { codec, json } from '../core/codec.ts'
import { BatchBuilder, RecordBatch } from '../log/batch.ts'
import { DecodeAhead } from './decode-ahead.ts'

function batchOf(values: readonly (string | null)[]): RecordBatch {
  const builder = new BatchBuilder()
  for (const value of values) builder.add('k', value, 1)
  return new RecordBatch('t', 0, 0, builder.finish())
}

const numbers = Array.from({ length: 1000 }, (_, i) => i)

test('each record has its own value, over the ends of what is decoded in one go', () => {
  const values = new DecodeAhead(json())
  const batch = batchOf(numbers.map((i) => (i % 7 === 3 ? null : JSON.stringify(`ä${i}`))))
  values.begin(batch)
  for (const i of numbers) expect(values.value(i)).toBe(i % 7 === 3 ? null : `ä${i}`)
  values.begin(batchOf(['1', '2']))
  expect([values.value(0), values.value(1)]).toEqual([1, 2])
})

test('a batch may be begun in its middle, and left', () => {
  const values = new DecodeAhead(json())
  const batch = batchOf(numbers.map(String))
  values.begin(batch)
  expect(values.value(500)).toBe(500)
  values.begin(batch)
  expect([values.value(3), values.value(4)]).toEqual([3, 4])
})

test('a bad one throws when it is its turn, however often it is asked for', () => {
  const values = new DecodeAhead(json())
  values.begin(batchOf(numbers.map((i) => (i % 100 === 50 ? '{' : String(i)))))
  for (const i of numbers) {
    if (i % 100 !== 50) expect(values.value(i)).toBe(i)
    else for (const _ of [1, 2]) expect(() => values.value(i)).toThrow('ends too early')
  }
})

test('a record that waits for something is tried again, and nothing is decoded twice', () => {
  const tried = new Map<string, number>()
  let isThere = false
  const slow = codec<string>({
    name: 'slow',
    decode: (range) => {
      const text = range.toString()
      tried.set(text, (tried.get(text) ?? 0) + 1)
      if (text === '5' && !isThere) throw new Error('not yet')
      return text
    },
    encode: (text) => text,
  })
  const values = new DecodeAhead(slow)
  values.begin(batchOf(numbers.slice(0, 10).map(String)))
  for (const i of numbers.slice(0, 5)) expect(values.value(i)).toBe(String(i))
  expect(() => values.value(5)).toThrow('not yet')
  isThere = true
  for (const i of numbers.slice(5, 10)) expect(values.value(i)).toBe(String(i))
  expect(tried.get('5')).toBe(3)
  for (const i of [0, 4, 6, 9]) expect(tried.get(String(i))).toBe(1)
})
