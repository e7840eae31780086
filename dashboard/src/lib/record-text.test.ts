import { expect, test } from 'vitest'
import { hexLines } from '../letters/hex.ts'
import { indentedText, keyText, valueText } from './record-text.ts'
import type { ShownRecord } from './shapes.ts'

const record = (value: unknown, form: ShownRecord['form']): ShownRecord => {
  return { partition: 0, offset: 0, time: 0, key: null, value, form, bytes: 0, headers: [] }
}

test('keys and values', () => {
  expect([keyText(null), keyText('a'), keyText({ base64: '/w==' })]).toEqual([
    '(no key)',
    'a',
    'base64 /w==',
  ])
  expect(
    [record(null, null), record('a', 'text'), record({ a: 1 }, 'json')].map(valueText),
  ).toEqual(['null', 'a', '{"a":1}'])
})

test.each([
  ['{"a":1}', '{\n  "a": 1\n}'],
  ['{"id":12345678901234567890}', '{"id":12345678901234567890}'],
  ['{"a":1,"a":2}', '{"a":1,"a":2}'],
  ['{"a":', '{"a":'],
  ['plain', 'plain'],
])('%s is shown as it is, or over several lines', (text, shown) => {
  expect(indentedText(record(text, 'text'))).toBe(shown)
})

test('bytes beside their characters', () => {
  expect(hexLines(Buffer.from('abc\n'))).toBe(`0000  61 62 63 0a${' '.repeat(36)}  abc·`)
  expect(hexLines(new Uint8Array(5_000)).split('\n').at(-1)).toBe('… 904 bytes more')
})
