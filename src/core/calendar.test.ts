import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { Calendar } from './calendar.ts'
import type { CalendarRule } from './calendar.ts'
import { isCode } from './error.ts'

const rule = (timeZone: string, given: Partial<CalendarRule> = {}): CalendarRule => {
  return { unit: 'day', count: 1, offsetMs: 0, ...given, timeZone }
}
const hourMs = 3_600_000

/** What the zone's clocks show, as text. */
function local(timeMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(timeMs)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  const date = `${part('year')}-${part('month')}-${part('day')}`
  return `${date} ${part('hour')}:${part('minute')}:${part('second')}`
}

/** Zone, an instant of the period, its start and end, its hours. */
const days: readonly (readonly [string, string, string, string, number])[] = [
  // Put forward and back at night.
  ['Europe/Berlin', '2024-03-31T12:00Z', '2024-03-30T23:00Z', '2024-03-31T22:00Z', 23],
  ['Europe/Berlin', '2024-10-27T12:00Z', '2024-10-26T22:00Z', '2024-10-27T23:00Z', 25],
  ['America/New_York', '2024-11-03T05:00Z', '2024-11-03T04:00Z', '2024-11-04T05:00Z', 25],
  // There is no midnight: the day begins at 01:00.
  ['America/Sao_Paulo', '2018-11-04T12:00Z', '2018-11-04T03:00Z', '2018-11-05T02:00Z', 23],
  ['Africa/Cairo', '2023-04-28T12:00Z', '2023-04-27T22:00Z', '2023-04-28T21:00Z', 23],
  // The clock goes back from midnight to 23:00: the day before has 25 hours.
  ['America/Sao_Paulo', '2018-02-18T02:30Z', '2018-02-17T02:00Z', '2018-02-18T03:00Z', 25],
  // From 01:00 to midnight: there are two, the first counts.
  ['America/Havana', '2024-11-03T05:30Z', '2024-11-03T04:00Z', '2024-11-04T05:00Z', 25],
  // From 00:01 back to 23:01 of the day before: that hour belongs to the day that had begun.
  ['America/St_Johns', '2010-11-07T03:00Z', '2010-11-07T02:30Z', '2010-11-08T03:30Z', 25],
  // Offsets of 30 and 45 minutes, and a change by half an hour.
  ['Asia/Kolkata', '2024-01-01T00:00Z', '2023-12-31T18:30Z', '2024-01-01T18:30Z', 24],
  ['Asia/Kathmandu', '2024-01-01T00:00Z', '2023-12-31T18:15Z', '2024-01-01T18:15Z', 24],
  ['Australia/Lord_Howe', '2024-04-07T00:00Z', '2024-04-06T13:00Z', '2024-04-07T13:30Z', 24.5],
  // A day that the zone left out: 29 December is followed by the 31st.
  ['Pacific/Apia', '2011-12-30T09:59Z', '2011-12-29T10:00Z', '2011-12-30T10:00Z', 24],
  ['Pacific/Apia', '2011-12-30T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z', 24],
  // Before 1970, and before there were zones: local mean time.
  ['Europe/Berlin', '1949-05-01T12:00Z', '1949-04-30T22:00Z', '1949-05-01T22:00Z', 24],
  ['Europe/Berlin', '1890-01-01T00:00Z', '1889-12-31T23:06:32Z', '1890-01-01T23:06:32Z', 24],
  ['UTC', '1969-12-31T23:59:59.999Z', '1969-12-31T00:00Z', '1970-01-01T00:00Z', 24],
  ['+05:30', '1970-01-01T00:00Z', '1969-12-31T18:30Z', '1970-01-01T18:30Z', 24],
]

test.each(days)('the day in %s at %s', (timeZone, at, start, end, hours) => {
  const period = new Calendar(rule(timeZone)).periodAt(Date.parse(at))
  assert.deepEqual(period, { startMs: Date.parse(start), endMs: Date.parse(end) })
  assert.equal((period.endMs - period.startMs) / hourMs, hours)
})

const longer: readonly (readonly [Partial<CalendarRule>, string, string, string])[] = [
  [{ unit: 'week' }, '2024-01-03T00:00Z', '2023-12-31T23:00Z', '2024-01-07T23:00Z'],
  [{ unit: 'week' }, '1969-12-31T00:00Z', '1969-12-28T23:00Z', '1970-01-04T23:00Z'],
  [{ unit: 'month' }, '2024-02-29T12:00Z', '2024-01-31T23:00Z', '2024-02-29T23:00Z'],
  [{ unit: 'month' }, '2024-03-31T22:00Z', '2024-03-31T22:00Z', '2024-04-30T22:00Z'],
  [{ unit: 'month', count: 3 }, '2024-03-01T00:00Z', '2023-12-31T23:00Z', '2024-03-31T22:00Z'],
  [{ unit: 'month', count: 12 }, '1900-06-01T00:00Z', '1899-12-31T23:00Z', '1900-12-31T23:00Z'],
  [{ unit: 'day', count: 2 }, '1970-01-02T12:00Z', '1969-12-31T23:00Z', '1970-01-02T23:00Z'],
  // From 06:00 local time, on the day when the clocks change at 02:00.
  [{ offsetMs: 6 * hourMs }, '2024-03-31T03:59Z', '2024-03-30T05:00Z', '2024-03-31T04:00Z'],
  // A local start that the clocks leave out (02:30), and one that they show twice.
  [{ offsetMs: 2.5 * hourMs }, '2024-03-31T12:00Z', '2024-03-31T01:00Z', '2024-04-01T00:30Z'],
  [{ offsetMs: 2.5 * hourMs }, '2024-10-27T01:10Z', '2024-10-27T00:30Z', '2024-10-28T01:30Z'],
  // Weeks from Sunday.
  [
    { unit: 'week', offsetMs: 6 * 24 * hourMs },
    '2024-01-07T12:00Z',
    '2024-01-06T23:00Z',
    '2024-01-13T23:00Z',
  ],
]

test.each(longer)('the period %o in Europe/Berlin at %s', (given, at, start, end) => {
  const period = new Calendar(rule('Europe/Berlin', given)).periodAt(Date.parse(at))
  assert.deepEqual(period, { startMs: Date.parse(start), endMs: Date.parse(end) })
})

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'America/Havana',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/St_Johns',
  'Africa/Monrovia',
]
const anyRule = fc.record({
  unit: fc.constantFrom('day' as const, 'week' as const, 'month' as const),
  count: fc.integer({ min: 1, max: 4 }),
  timeZone: fc.constantFrom(...zones),
  offsetMs: fc.constantFrom(0, hourMs, 5_400_000, 20 * hourMs),
})
const anyTime = fc.oneof(
  fc.integer({ min: Date.parse('1850-01-01'), max: Date.parse('2100-01-01') }),
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
)

test('periods tile time without gap or overlap, each instant is in its own', () => {
  const property = fc.property(anyRule, anyTime, (given, timeMs) => {
    const calendar = new Calendar(given)
    const period = calendar.periodAt(timeMs)
    assert.ok(period.startMs <= timeMs && timeMs < period.endMs)
    let { startMs, endMs } = period
    for (let i = 0; i < 3 && Math.abs(startMs) < 8.6e15 && Math.abs(endMs) < 8.6e15; i++) {
      const before = new Calendar(given).periodAt(startMs - 1)
      assert.equal(before.endMs, startMs)
      const after = new Calendar(given).periodAt(endMs)
      assert.equal(after.startMs, endMs)
      assert.deepEqual(calendar.periodAt(endMs), after, 'differs when remembered')
      ;[startMs, endMs] = [before.startMs, after.endMs]
    }
  })
  fc.assert(property, { numRuns: 150 })
})

test('days begin at local midnight, or where clocks are put forward over it', () => {
  const time = fc.integer({ min: Date.parse('1972-01-01'), max: Date.parse('2030-01-01') })
  const property = fc.property(fc.constantFrom(...zones), time, (timeZone, timeMs) => {
    const { startMs } = new Calendar(rule(timeZone)).periodAt(timeMs)
    const at = local(startMs, timeZone)
    if (at.endsWith('00:00:00')) return
    const shownBefore = local(startMs - 1, timeZone)
    assert.ok(shownBefore < `${at.slice(0, 10)} 00:00:00`, `${shownBefore}, then ${at}`)
  })
  fc.assert(property, { numRuns: 150 })
})

test('the ends of time have a period', () => {
  const calendar = new Calendar(rule('Europe/Berlin', { unit: 'month' }))
  for (const timeMs of [-8.64e15, 8.64e15]) {
    const { startMs, endMs } = calendar.periodAt(timeMs)
    assert.ok(startMs <= timeMs && timeMs < endMs)
    assert.ok(Number.isSafeInteger(startMs) && Number.isSafeInteger(endMs))
  }
})

test('more periods than are remembered', () => {
  const calendar = new Calendar(rule('UTC'))
  const dayMs = 24 * hourMs
  for (let day = 3000; day > 0; day--) {
    assert.deepEqual(calendar.periodAt(day * dayMs), {
      startMs: day * dayMs,
      endMs: (day + 1) * dayMs,
    })
  }
})

test('an unknown time zone', () => {
  assert.throws(
    () => new Calendar(rule('Europe/Atlantis')),
    (thrown) => isCode(thrown, 'invalid-argument') && thrown.message.includes('Europe/Atlantis'),
  )
})
