import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonDepthMax, JsonScan } from './json-scan.ts'

/** Where the one value ends; −1 where there is none. */
function scanned(text: string): number {
  const bytes = Buffer.from(text)
  return new JsonScan().value(bytes, 0, bytes.length)
}

const isJson = (text: string): boolean => scanned(text) === Buffer.byteLength(text)

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const right = [
  '0',
  '-0',
  '10',
  '-1.5e+10',
  '1E5',
  '0.5',
  'true',
  'false',
  'null',
  '""',
  '"\\u00e9\\n\\""',
  '[]',
  '{}',
  '[ ]',
  '{ }',
  '[1,2]',
  '{"a":1,"b":[{}]}',
  ' \t\n\r1 ',
  '"\u007f\u2028é😀"',
  '{"a":{"a":[[]]}}',
]
const wrong = [
  '',
  ' ',
  '01',
  '-',
  '+1',
  '1.',
  '.5',
  '1e',
  '1e+',
  '0x1',
  'NaN',
  'Infinity',
  'tru',
  'truee',
  'nul',
  'True',
  '"',
  '"\\x"',
  '"\\u12g4"',
  '"\\u12',
  '"a\nb"',
  '"\u0000"',
  "'a'",
  '[',
  ']',
  '[1',
  '[1,',
  '[1,]',
  '[,1]',
  '[1 2]',
  '{',
  '}',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{a:1}',
  '{1:1}',
  '{"a" 1}',
  '[1}',
  '{"a":1]',
  '1 2',
  '{}{}',
  '[]]',
  '\uFEFF1',
  '"a" "b"',
  '// 1',
  '--1',
  '{"a":1 "b":2}',
]

test.each(right)('%j is JSON', (text) => {
  expect(parses(text)).toBe(true)
  expect(isJson(text)).toBe(true)
})

test.each(wrong)('%j is no JSON', (text) => {
  expect(parses(text)).toBe(false)
  expect(isJson(text)).toBe(false)
})

test('says the same as JSON.parse of any text, made by changing one that is right', () => {
  const changed = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom(...Array.from('{}[]",:\\0-.eEu1 tfn\n\u0001é')),
      fc.nat(2),
    )
    .map(([text, at, char, how]) => {
      const i = at % (text.length + 1)
      return text.slice(0, i) + (how === 0 ? '' : char) + text.slice(how === 1 ? i : i + 1)
    })
  fc.assert(
    fc.property(fc.oneof(fc.json(), changed, fc.string()), (text) => {
      fc.pre(text.isWellFormed())
      expect(isJson(text)).toBe(parses(text))
    }),
    { numRuns: 5_000 },
  )
})

test('tells where it stops being JSON', () => {
  const scan = new JsonScan()
  const faultAt = (text: string): number => {
    const bytes = Buffer.from(text)
    expect(scan.value(bytes, 0, bytes.length)).toBe(-1)
    return scan.faultAt
  }
  expect(faultAt('{"a":tru}')).toBe(8)
  expect(faultAt('[1,2')).toBe(4)
  expect(faultAt('"a\u0001"')).toBe(2)
  expect(faultAt('{"a":1,"b"')).toBe(10)
})

test('stops at the end of its range, whatever lies behind', () => {
  const bytes = Buffer.from('12true')
  expect(new JsonScan().value(bytes, 0, 1)).toBe(1)
  expect(new JsonScan().value(bytes, 2, 5)).toBe(-1)
})

test('values are nested as deep as allowed, and no deeper', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  expect(isJson(`${nested(jsonDepthMax)}`)).toBe(true)
  expect(isJson(nested(jsonDepthMax + 1))).toBe(false)
  expect(isJson('{"a":'.repeat(100_000))).toBe(false)
})
