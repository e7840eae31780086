import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFaultAt } from './json-fault.ts'

test.each([
  ['', 0],
  ['{"a":1}', 7],
  ['{"a":1', 6],
  ['{"a":}', 5],
  ['{"a" 1}', 5],
  ['{"a":1,}', 7],
  ["{'a':1}", 1],
  ['[1,]', 3],
  ['[1 2]', 3],
  ['[1}', 2],
  ['tru', 3],
  ['trux', 3],
  ['nan', 1],
  ['01', 1],
  ['-', 1],
  ['-x', 1],
  ['1 2', 2],
  ['\uFEFF{}', 0],
  ['"a\nb"', 2],
  ['"a\\x"', 3],
  ['"\\u12g4"', 5],
  ['"abc', 4],
  ['{} {}', 3],
])('%j stops at %i', (text, at) => {
  expect(jsonFaultAt(text)).toBe(at)
})

test('valid JSON has no fault, and before a fault there is none', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (text, cut, put) => {
      expect(jsonFaultAt(text)).toBe(text.length)
      const at = cut % (text.length + 1)
      const broken = text.slice(0, at) + put + text.slice(at + 1)
      let parses = true
      try {
        JSON.parse(broken)
      } catch {
        parses = false
      }
      const fault = jsonFaultAt(broken)
      if (parses) expect(fault).toBe(broken.length)
      if (fault < broken.length) expect(parses).toBe(false)
      // Up to the fault all is well: that much of the text could still become JSON.
      expect(jsonFaultAt(broken.slice(0, fault))).toBe(fault)
    }),
  )
})

test('deep nesting needs no stack', () => {
  expect(jsonFaultAt(`${'['.repeat(1_000_000)}x`)).toBe(1_000_000)
})
