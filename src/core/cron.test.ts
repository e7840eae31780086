import assert from 'node:assert/strict'
import { test } from 'vitest'
import { Zone } from './calendar.ts'
import { Cron } from './cron.ts'
import { isCode } from './error.ts'
import { seededRandom } from './random.ts'

const at = (text: string): number => Date.parse(text)
const iso = (ms: number): string => new Date(ms).toISOString().replace(/:00\.000Z$/, 'Z')

/** The times after an instant. */
function times(cron: Cron, after: string, count: number): string[] {
  const found: string[] = []
  for (let ms = at(after); found.length < count;) {
    ms = cron.next(ms)
    found.push(iso(ms))
  }
  return found
}

test.for<[string, string, string[]]>([
  ['* * * * *', '2024-02-28T23:58:30Z', ['2024-02-28T23:59Z', '2024-02-29T00:00Z']],
  ['0 3 * * *', '2024-01-01T03:00:00Z', ['2024-01-02T03:00Z', '2024-01-03T03:00Z']],
  ['*/20 8-9 * * *', '2024-01-01T08:30:00Z', ['2024-01-01T08:40Z', '2024-01-01T09:00Z']],
  ['5/20 0 * * *', '2024-01-01T00:00:00Z', ['2024-01-01T00:05Z', '2024-01-01T00:25Z']],
  ['0 0 1,15 jan-mar *', '2024-02-16T00:00:00Z', ['2024-03-01T00:00Z', '2024-03-15T00:00Z']],
  ['0 0 * * MON', '2024-01-01T00:00:00Z', ['2024-01-08T00:00Z', '2024-01-15T00:00Z']],
  ['0 0 * * 7', '2024-01-01T00:00:00Z', ['2024-01-07T00:00Z', '2024-01-14T00:00Z']],
  ['0 0 13 * fri', '2024-09-01T00:00:00Z', ['2024-09-06T00:00Z', '2024-09-13T00:00Z']],
  ['0 12 29 2 *', '2097-01-01T00:00:00Z', ['2104-02-29T12:00Z', '2108-02-29T12:00Z']],
  ['59 23 31 12 *', '2024-12-31T23:59:00Z', ['2025-12-31T23:59Z']],
])('%s after %s', ([text, after, wished]) => {
  assert.deepEqual(times(new Cron(text, 'UTC'), after, wished.length), wished)
})

test('a time that clocks leave out comes at the change, one they show twice once', () => {
  const daily = new Cron('30 2 * * *', 'Europe/Berlin')
  assert.deepEqual(times(daily, '2024-03-30T00:00:00Z', 3), [
    '2024-03-30T01:30Z',
    '2024-03-31T01:00Z', // 02:30 does not exist: 03:00 summer time
    '2024-04-01T00:30Z',
  ])
  assert.deepEqual(times(daily, '2024-10-26T00:00:00Z', 3), [
    '2024-10-26T00:30Z',
    '2024-10-27T00:30Z', // the first 02:30
    '2024-10-28T01:30Z',
  ])
})

test('every half hour is each half hour, whatever clocks do', () => {
  for (const day of ['2024-03-31', '2024-10-27']) {
    const found = times(new Cron('*/30 * * * *', 'Europe/Berlin'), `${day}T00:00:00Z`, 10)
    const wished = Array.from({ length: 10 }, (_, i) =>
      iso(at(`${day}T00:00:00Z`) + (i + 1) * 18e5),
    )
    assert.deepEqual(found, wished)
  }
  // A zone whose change is half an hour.
  const odd = times(new Cron('0 * * * *', 'Australia/Lord_Howe'), '2024-04-06T13:10:00Z', 3)
  assert.deepEqual(odd, ['2024-04-06T14:00Z', '2024-04-06T15:30Z', '2024-04-06T16:30Z'])
})

/** Minute by minute, by the zone's clock. */
function matches(
  sets: readonly (readonly number[])[],
  isEither: boolean,
  localMs: number,
): boolean {
  const local = new Date(localMs)
  const [minute, hour, day, month, weekday] = sets as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ]
  const isDay = day.includes(local.getUTCDate())
  const isWeekday = weekday.includes(local.getUTCDay())
  return (
    minute.includes(local.getUTCMinutes()) &&
    hour.includes(local.getUTCHours()) &&
    month.includes(local.getUTCMonth() + 1) &&
    (isEither ? isDay || isWeekday : isDay && isWeekday)
  )
}

test('steady expressions are what a look at each minute finds', () => {
  const random = seededRandom(5)
  const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia']
  const some = (least: number, most: number): number[] => [
    ...new Set(
      Array.from({ length: 1 + random.int(3) }, () => least + random.int(most - least + 1)),
    ),
  ]
  const all = (least: number, most: number): number[] =>
    Array.from({ length: most - least + 1 }, (_, i) => least + i)
  for (let round = 0; round < 60; round++) {
    const zoneName = zones[random.int(zones.length)] ?? 'UTC'
    const ranges = [
      [0, 59],
      [0, 23],
      [1, 31],
      [1, 12],
      [0, 6],
    ] as const
    const isStar = ranges.map((_, i) => i === 1 || random.int(3) > 0)
    const sets = ranges.map(([a, b], i) => (isStar[i] === true ? all(a, b) : some(a, b)))
    const text = sets.map((set, i) => (isStar[i] === true ? '*' : set.join(','))).join(' ')
    let cron: Cron
    try {
      cron = new Cron(text, zoneName)
    } catch {
      continue // the 31st of February
    }
    const zone = new Zone(zoneName)
    const isEither = isStar[2] === false && isStar[4] === false
    const start = at('2024-01-01T00:00:00Z') + random.int(300) * 864e5 + random.int(1440) * 6e4
    let wished: number | null = null
    for (let ms = start + 6e4; ms < start + 20 * 864e5 && wished === null; ms += 6e4)
      if (matches(sets, isEither, ms + zone.offsetAt(ms))) wished = ms
    const found = cron.next(start)
    if (wished === null) assert.ok(found >= start + 20 * 864e5, `${text} in ${zoneName}`)
    else assert.equal(iso(found), iso(wished), `${text} in ${zoneName} after ${iso(start)}`)
  }
}, 60_000)

test.for([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  '1--2 * * * *',
  'a * * * *',
  '@daily',
  '0 0 30 2 *',
  '0 0 31 4,6,9,11 *',
  `${'1,'.repeat(1000)}1 * * * *`,
])('%s is refused', (text) => {
  assert.throws(
    () => new Cron(text, 'UTC'),
    (error) => isCode(error, 'invalid-argument'),
  )
})

test('an unknown zone is refused', () => {
  assert.throws(
    () => new Cron('* * * * *', 'Europe/Atlantis'),
    (error) => isCode(error, 'invalid-argument'),
  )
})
