import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import {
  byteCount,
  bytesOrNone,
  durationOrNone,
  positiveNumber,
  someText,
  wholeNumber,
} from './option-values.ts'

test('whole numbers', () => {
  expect(wholeNumber(1, 1024)('1024')).toBe(1024)
  for (const text of ['0', '-1', '1025', '1.5', '1e3', '', 'x', ' 1', '99999999999999999999']) {
    expect(() => wholeNumber(1, 1024)(text), text).toThrow(InvalidArgumentError)
  }
  expect(() => wholeNumber(1, 1024)('-1')).toThrow('a whole number from 1 to 1024')
  expect(() => wholeNumber(0)('-1')).toThrow('a whole number of at least 0')
})

test('durations', () => {
  expect(durationOrNone('7d')).toBe(604_800_000)
  expect(durationOrNone('none')).toBeNull()
  expect(() => durationOrNone('5 seconds')).toThrow("Write '5s'.")
  expect(() => durationOrNone('0s')).toThrow("Write at least '1ms'")
  expect(() => durationOrNone('soon')).toThrow(InvalidArgumentError)
})

test.each([
  ['1', 1],
  ['1048576', 1_048_576],
  ['1kB', 1000],
  ['500MB', 500_000_000],
  ['1.5 GiB', 1_610_612_736],
])('%s is %i bytes', (text, bytes) => {
  expect(byteCount(text)).toBe(bytes)
})

test('what is no size', () => {
  for (const text of ['', '0', '-1', '5 apples', 'MB', '1e9', '99999999TB']) {
    expect(() => byteCount(text), text).toThrow("Write a number of bytes, as '1048576'")
  }
  expect(bytesOrNone('none')).toBeNull()
})

test('rates and texts', () => {
  expect(positiveNumber('0.5')).toBe(0.5)
  for (const text of ['0', '-1', 'fast', '', 'Infinity']) {
    expect(() => positiveNumber(text), text).toThrow('Write a number above 0.')
  }
  expect(someText('g')).toBe('g')
  expect(() => someText('')).toThrow('Write at least one character.')
})
