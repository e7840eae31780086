import { expect, test } from 'vitest'
import { bytes, plural, rate, short, span, time } from './format.ts'

test.each([
  [0, '0'],
  [0.25, '0.3'],
  [9.96, '10'],
  [950, '950'],
  [999.6, '1k'],
  [12_345, '12.3k'],
  [999_499, '999k'],
  [999_999, '1M'],
  [4_500_000, '4.5M'],
  [-12_345, '-12.3k'],
  [7e13, '70T'],
])('%d is short as %s', (value, text) => expect(short(value)).toBe(text))

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_500, '1.5 s'],
  [59_000, '59 s'],
  [61_000, '1 min'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [3 * 86_400_000, '3 days'],
  [-5, '0 ms'],
])('%d ms are %s', (ms, text) => expect(span(ms)).toBe(text))

test('sizes, times, rates, counts', () => {
  expect([bytes(1_023), bytes(1_024), bytes(5_000_000)]).toEqual(['1023 B', '1.0 KiB', '4.8 MiB'])
  expect(time(Date.UTC(2024, 4, 6, 7, 8, 9))).toBe('2024-05-06 07:08:09')
  expect(time(Date.UTC(2024, 4, 6, 7, 8, 9, 5))).toBe('2024-05-06 07:08:09.005')
  expect([time(null), time(9e15)]).toEqual(['–', '9000000000000000'])
  expect([rate(1_500), plural(1, 'letter'), plural(2_000, 'letter')]).toEqual([
    '1.5k/s',
    '1 letter',
    '2,000 letters',
  ])
})
