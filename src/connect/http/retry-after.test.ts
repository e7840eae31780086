import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const nowMs = Date.parse('2026-01-05T10:00:00Z')

test.for([
  ['120', 120_000],
  ['0', 0],
  ['Mon, 05 Jan 2026 10:00:30 GMT', 30_000],
  ['Mon, 05 Jan 2026 09:00:00 GMT', 0],
  ['-5', null],
  ['1.5', null],
  ['soon', null],
  ['99999999999999999999', null],
  ['', null],
  [null, null],
] as const)('Retry-After: %s is %s ms', ([header, ms]) => {
  expect(retryAfterMs(header, nowMs)).toBe(ms)
})
