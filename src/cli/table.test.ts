import { expect, test } from 'vitest'
import { table, textWidth } from './table.ts'
import { formatBytes, formatCount, formatTime, plural } from './text-format.ts'

test('columns are aligned, numbers to the right, also behind wide characters', () => {
  const text = table(
    [{ title: 'NAME' }, { title: 'COUNT', align: 'right' }, { title: 'END' }],
    [
      ['a', '1', 'x'],
      ['日本', '1,000,000', ''],
    ],
  )
  expect(text).toBe(
    'NAME      COUNT  END\n' + //
      'a             1  x\n' +
      '日本  1,000,000\n',
  )
})

test('only titles without rows', () => {
  expect(table([{ title: 'A' }, { title: 'B' }], [])).toBe('A  B\n')
})

test('control characters do not reach the terminal', () => {
  expect(table([{ title: 'A' }], [['x\u001b[31m\ny']])).toBe('A\nx\u{fffd}[31m\u{fffd}y\n')
})

test.each([
  ['abc', 3],
  ['日本', 4],
  ['e\u0301', 1],
  ['🚀', 2],
  ['', 0],
])('%s is %i wide', (text, width) => {
  expect(textWidth(text)).toBe(width)
})

test('counts, sizes, times', () => {
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567'])
  const sizes = [0, 1023, 1024, 1536, 1_048_576, 2 ** 50].map(formatBytes)
  expect(sizes).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '1.0 MiB', '1024.0 TiB'])
  expect(formatTime(0)).toBe('1970-01-01 00:00:00')
  expect([plural(0, 'record'), plural(1, 'record'), plural(2000, 'record')]).toEqual([
    '0 records',
    '1 record',
    '2,000 records',
  ])
})
