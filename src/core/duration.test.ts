import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Duration, durationMs, formatDuration } from './duration.ts'
import { MillraceError } from './error.ts'

function refusal(text: unknown): MillraceError {
  try {
    durationMs(text as string, 'outOfOrder')
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
  }
  throw new Error(`${String(text)} was accepted`)
}

describe('durationMs', () => {
  test.each([
    ['250ms', 250],
    ['0ms', 0],
    ['5s', 5000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5s', 1500],
    ['0.001s', 1],
    ['1.005s', 1005],
    ['007s', 7000],
    ['9007199254740991ms', Number.MAX_SAFE_INTEGER],
    ['104249991d', 104_249_991 * 86_400_000],
  ])('%s is %i ms', (text, ms) => {
    expect(durationMs(text, 'x')).toBe(ms)
  })

  test.each([
    ['5 seconds', "write '5s'"],
    ['5 Minutes', "write '5m'"],
    [' 5s', "write '5s'"],
    ['5S', "write '5s'"],
    ['5', "write '5ms' or '5s'"],
    [5, "write '5ms' or '5s'"],
    ['-1s', "a duration is never negative; write '1s'"],
    ['1e3s', "write '1000s'"],
    ['0x10s', "write '16s'"],
    ['.5s', "write '0.5s'"],
    ['1m30s', "write '90s'"],
    ['1h30m', "write '90m'"],
    ['1.5ms', "write '1ms'"],
    ['9007199254740992ms', "write at most '104249991d'"],
    ['104249992d', "write at most '104249991d'"],
    ['', 'write a number and a unit'],
    ['NaNs', 'write a number and a unit'],
    ['Infinitys', 'write a number and a unit'],
    ['5 parsecs', 'write a number and a unit'],
    ['1s\n', "write '1s'"],
    [`${'9'.repeat(100_000)}s`, 'write a number and a unit'],
    [null, 'write a number and a unit'],
    [{}, 'write a number and a unit'],
  ])('%j is refused with a hint', (text, hint) => {
    const error = refusal(text)
    expect(error.code).toBe('invalid-duration')
    expect(error.message).toContain('outOfOrder')
    expect(error.message.length).toBeLessThan(150)
    expect(error.hint).toContain(hint)
  })

  test('whatever a hint proposes is accepted', () => {
    fc.assert(
      fc.property(
        fc.tuple(
          fc.oneof(fc.double().map(String), fc.integer().map(String)),
          fc.constantFrom('', ' ', '  '),
          fc.constantFrom('ms', 's', 'sec', 'seconds', 'MIN', 'hours', 'day', ''),
        ),
        (parts) => {
          const text = parts.join('')
          try {
            durationMs(text, 'x')
          } catch (thrown) {
            const proposed = /write '([^']+)'/.exec((thrown as MillraceError).hint ?? '')?.[1]
            // A fraction may still be no whole number of ms, and a length too long: then the next
            // hint is exact.
            if (proposed === undefined || proposed.includes('.') || proposed.length > 8) return
            expect(durationMs(proposed, 'x')).toBeGreaterThanOrEqual(0)
          }
        },
      ),
    )
  })
})

describe('formatDuration', () => {
  test.each([
    [0, '0ms'],
    [1, '1ms'],
    [90_000, '1m30s'],
    [86_400_000, '1d'],
    [3_600_001, '1h1ms'],
    [-1500, '-1s500ms'],
    [0.4, '0ms'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test('its parts add up to the same time', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e12 }), (ms) => {
        const parts = formatDuration(ms).match(/\d+(?:ms|[smhd])/g) ?? []
        expect(parts.reduce((sum, part) => sum + durationMs(part, 'part'), 0)).toBe(ms)
      }),
    )
  })
})

test('the type Duration takes a number and a unit only', () => {
  const right: Duration[] = ['250ms', '5s', '1.5h', '10m', '1d']
  // @ts-expect-error a word is no unit
  const words: Duration = '5 seconds'
  // @ts-expect-error a unit is needed
  const bare: Duration = '5'
  // @ts-expect-error a number is needed
  const unit: Duration = 's'
  expect([...right, words, bare, unit]).toHaveLength(8)
})
