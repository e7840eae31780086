import { expect, test } from 'vitest'
import type { ShownRecord } from '../lib/shapes.ts'
import { Rows } from './rows.ts'
import { byKey, candles, latestKeys } from './series.ts'

const record = (offset: number, value: unknown, time = offset): ShownRecord => {
  const form = 'json'
  return { partition: 0, offset, time, key: null, value, form, bytes: 0, headers: [] }
}
const windowed = (key: string, start: number, n: number): object => {
  return { key, window: { start, end: start + 1_000 }, n }
}

test('a window that comes again takes its row, another record does not', () => {
  const rows = new Rows()
  rows.add([record(0, windowed('a', 0, 1)), record(1, windowed('b', 0, 5))])
  rows.add([record(2, windowed('a', 0, 2)), record(3, { n: 7 }), record(4, { n: 7 })])
  expect(rows.all.map(({ key, atMs, figures }) => [key, atMs, figures['n']])).toEqual([
    ['b', 0, 5],
    ['a', 0, 2],
    ['', 3, 7],
    ['', 4, 7],
  ])
})

test('what is no JSON makes no row; only so many are kept', () => {
  const rows = new Rows()
  rows.add([{ ...record(0, 'text'), form: 'text' }])
  expect(rows.all).toEqual([])
  rows.add(Array.from({ length: 6_000 }, (_, i) => record(i, { n: i })))
  expect([rows.all.length, rows.all[0]?.figures['n']]).toEqual([5_000, 1_000])
})

test('one column a key, with gaps', () => {
  const rows = new Rows()
  rows.add([
    record(0, windowed('a', 0, 1)),
    record(1, windowed('a', 1_000, 2)),
    record(2, windowed('b', 1_000, 9)),
  ])
  expect(latestKeys(rows.all)).toEqual(['b', 'a'])
  expect(byKey(rows.all, 'n', ['a', 'b'])).toEqual({
    names: ['a', 'b'],
    columns: [[0, 1], [1, 2], [null, 9]], // prettier-ignore
  })
})

test('candlesticks of the fields of that name, or of a field over time', () => {
  const own = new Rows()
  own.add([record(5_000, { open: 1, high: 4, low: 0, close: 2, volume: 9 })])
  expect(candles(own.all, 'volume').columns).toEqual([[5], [1], [4], [0], [2]])
  const made = new Rows()
  made.add([3, 9, 1, 5].map((price, i) => record(i, { price }, i * 100)))
  expect(candles(made.all, 'price').columns).toEqual([[0], [3], [9], [1], [5]])
  expect(candles([], 'price').columns).toEqual([[], [], [], [], []])
})
