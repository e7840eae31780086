/** Alerts on real operators: by virtual time, under faults, and beside a plain model. */
import { expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { isCode } from '../core/error.ts'
import { seededRandom } from '../core/random.ts'
import { type Alert, alert, type AlertOptions } from '../pipeline/alert.ts'
import { run } from '../host/run.ts'
import { BatchBuilder } from '../log/batch.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { inputOf, simulate, testPipeline } from '../testing.ts'

interface Reading {
  readonly device: string
  readonly celsius: number
  readonly at: number
}

const readings = topic('readings', {
  codec: json<Reading>(),
  key: (reading) => reading.device,
  time: (reading) => reading.at,
  partitions: 1,
})
const alerts = topic('alerts', { codec: json<Alert<Reading, string>>() })

const minute = 60_000
const pipelineOf = (options: Partial<AlertOptions<Reading>>) =>
  from(readings)
    .process(alert<Reading, string>('hot', { when: ({ celsius }) => celsius > 90, ...options }))
    .to(alerts)

type Step = readonly [second: number, celsius: number, device?: string]

/** What is told, as `firing 10s (1)`. */
function told(options: Partial<AlertOptions<Reading>>, steps: readonly Step[]): string[] {
  const tested = testPipeline(pipelineOf(options))
  for (const [second, celsius, device = 'kiln'] of steps) {
    tested.push(readings, { device, celsius, at: second * 1_000 })
  }
  return tested
    .outputs(alerts)
    .map(({ status, at, notification }) => `${status} ${at / 1_000}s (${notification})`)
}

test('it opens, and its end resolves it; the incident stays the same', () => {
  const tested = testPipeline(pipelineOf({}))
  for (const [at, celsius] of [
    [1_000, 50],
    [2_000, 95],
    [3_000, 96],
    [4_000, 60],
    [5_000, 60],
    [6_000, 99],
  ] as const) {
    tested.push(readings, { device: 'kiln', celsius, at })
  }
  const common = { alert: 'hot', key: 'kiln' }
  expect(tested.outputs(alerts)).toEqual([
    {
      ...common,
      status: 'firing',
      incident: 'hot/kiln/2000',
      since: 2_000,
      at: 2_000,
      notification: 1,
      value: { device: 'kiln', celsius: 95, at: 2_000 },
    },
    {
      ...common,
      status: 'resolved',
      incident: 'hot/kiln/2000',
      since: 2_000,
      at: 4_000,
      notification: 2,
      value: { device: 'kiln', celsius: 60, at: 4_000 },
    },
    expect.objectContaining({ status: 'firing', incident: 'hot/kiln/6000', notification: 1 }),
  ])
})

test('keys are apart', () => {
  expect(
    told({}, [
      [1, 95],
      [2, 95, 'oven'],
      [3, 50],
      [4, 95, 'oven'],
    ]),
  ).toEqual(['firing 1s (1)', 'firing 2s (1)', 'resolved 3s (2)'])
})

test('for: it opens when the condition has held so long, also without a further record', () => {
  const held: Step[] = [
    [0, 95],
    [30, 95],
    [60, 95],
  ]
  expect(told({ for: '1m' }, held)).toEqual(['firing 60s (1)'])
  expect(
    told({ for: '1m' }, [
      [0, 95],
      [30, 95],
      [90, 50, 'oven'],
    ]),
  ).toEqual(['firing 60s (1)'])
  expect(
    told({ for: '1m' }, [
      [0, 95],
      [59, 50],
      [60, 95],
      [90, 95],
    ]),
  ).toEqual([])
  // The first record behind it is already the end: it was open for a moment.
  expect(
    told({ for: '1m' }, [
      [0, 95],
      [70, 50],
    ]),
  ).toEqual(['firing 60s (1)', 'resolved 70s (2)'])
})

test('until: what is between neither opens nor ends it', () => {
  const options = { until: ({ celsius }: Reading) => celsius < 80 }
  expect(
    told(options, [
      [0, 85],
      [1, 95],
      [2, 85],
      [3, 95],
      [4, 85],
      [5, 79],
      [6, 85],
    ]),
  ).toEqual(['firing 1s (1)', 'resolved 5s (2)'])
})

test('repeatEvery: no oftener than asked, where records come much faster or not at all', () => {
  const fast = Array.from({ length: 150 }, (_, second): Step => [second, 95])
  expect(told({ repeatEvery: '1m' }, fast)).toEqual([
    'firing 0s (1)',
    'firing 60s (2)',
    'firing 120s (3)',
  ])
  // Another key moves event time on.
  const slow: Step[] = [[0, 95], ...[50, 100, 150].map((at): Step => [at, 20, 'oven'])]
  expect(told({ repeatEvery: '1m' }, slow)).toHaveLength(3)
  expect(told({ repeatEvery: 'never' }, fast)).toEqual(['firing 0s (1)'])
  // A record that leaps over several: the last is told. Timers are told at their own times.
  const leap: Step[] = [
    [0, 95],
    [130, 95],
    [300, 20, 'oven'],
  ]
  expect(told({ repeatEvery: '1m', resolveAfter: '150s' }, leap)).toEqual([
    'firing 0s (1)',
    'firing 120s (2)',
    'firing 180s (3)',
    'firing 240s (4)',
    'resolved 280s (5)',
  ])
})

test('resolveAfter: the silence of a key is its end', () => {
  const silent: Step[] = [
    [0, 95],
    [10, 95],
    [100, 20, 'oven'],
  ]
  expect(told({ resolveAfter: '1m' }, silent)).toEqual(['firing 0s (1)', 'resolved 70s (2)'])
  // It is back before anybody has noticed: one alert has ended, another one begins.
  expect(
    told({ resolveAfter: '1m' }, [
      [0, 95],
      [100, 95],
    ]),
  ).toEqual(['firing 0s (1)', 'resolved 60s (2)', 'firing 100s (1)'])
  // What has not opened is forgotten without a word.
  expect(
    told({ for: '2m', resolveAfter: '1m' }, [
      [0, 95],
      [300, 20, 'oven'],
    ]),
  ).toEqual([])
})

test('a record that is older than one before it changes nothing', () => {
  const slow = topic('readings', {
    codec: json<Reading>(),
    key: (reading) => reading.device,
    time: (reading) => reading.at,
    outOfOrder: '1h',
    partitions: 1,
  })
  const options = { when: ({ celsius }: Reading) => celsius > 90 }
  const tested = testPipeline(from(slow).process(alert<Reading, string>('hot', options)).to(alerts))
  for (const [at, celsius] of [
    [5_000, 95],
    [3_000, 20],
    [4_000, 95],
  ] as const) {
    tested.push(slow, { device: 'kiln', celsius, at })
  }
  expect(tested.outputs(alerts).map(({ status, since }) => `${status} ${since}`)).toEqual([
    'firing 5000',
  ])
})

test('a key that is well keeps no state', async () => {
  const entriesWith = async (keys: number): Promise<number> => {
    const log = openMemoryLog()
    const running = await run(pipelineOf({}), { log, signals: false, notify: () => {} })
    const builder = new BatchBuilder()
    for (let n = 0; n < keys * 2; n++) {
      const reading = { device: `d${n >> 1}`, celsius: n % 2 === 0 ? 95 : 20, at: n }
      builder.add(reading.device, JSON.stringify(reading), n, [])
    }
    await log.append([{ topic: 'readings', partition: 0, bytes: builder.finish() }])
    const status = () => running.status()[0]
    while ((status()?.counters.recordsOut ?? 0) < keys * 2) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const entries = status()?.stateEntries ?? -1
    await running.stop()
    return entries
  }
  expect(await entriesWith(200)).toBe(await entriesWith(10))
})

/** What each key's records say, one after the other: the same rules, written again as a loop. */
function model(steps: readonly Reading[], untilMs: number): string[] {
  const lines: string[] = []
  const open = new Map<string, { since: number; seen: number; count: number }>()
  const close = (device: string, at: number): void => {
    lines.push(`${device} resolved ${at} (${(open.get(device)?.count ?? 0) + 1})`)
    open.delete(device)
  }
  for (const { device, celsius, at } of steps) {
    const now = open.get(device)
    if (now !== undefined && now.seen + minute <= at) close(device, now.seen + minute)
    const held = open.get(device)
    if (celsius > 90) {
      if (held === undefined) {
        open.set(device, { since: at, seen: at, count: 1 })
        lines.push(`${device} firing ${at} (1)`)
      } else held.seen = at
    } else if (held !== undefined) close(device, at)
  }
  for (const [device, { seen }] of open) if (seen + minute <= untilMs) close(device, seen + minute)
  return lines.toSorted()
}

test('random readings: as a plain loop has it, and the same under every fault', async () => {
  const random = seededRandom(7)
  const input: Reading[] = []
  let at = 0
  for (let n = 0; n < 400; n++) {
    at += random.int(20_000)
    const celsius = random.int(2) === 0 ? 95 : 20
    input.push({ device: `d${random.int(5)}`, celsius, at })
  }
  const last = { device: 'last', celsius: 20, at: at + 10 * minute }
  const pipeline = pipelineOf({ repeatEvery: 'never', resolveAfter: '1m' })
  const tested = testPipeline(pipeline)
  for (const reading of [...input, last]) tested.push(readings, reading)
  const lines = tested
    .outputs(alerts)
    .map(({ key, status, at: time, notification }) => `${key} ${status} ${time} (${notification})`)
  expect(lines.toSorted()).toEqual(model(input, last.at))
  const report = await simulate(pipeline, {
    input: inputOf(readings, [...input.slice(0, 120), last]),
    seeds: 20,
  })
  expect(report.runs).toBe(20)
}, 60_000)

test.each([
  ['a name that is none', () => alert('', { when: () => true })],
  ['no condition', () => alert('a', {} as never)],
  ['an end that is no function', () => alert('a', { when: () => true, until: 5 as never })],
  ['a repeat without pause', () => alert('a', { when: () => true, repeatEvery: '0s' })],
])('refuses %s', (_, make) => {
  expect(make).toThrow(expect.toSatisfy((thrown) => isCode(thrown, 'invalid-argument')))
})

test('refuses what is no duration', () => {
  expect(() => alert('a', { when: () => true, for: 'never' as never })).toThrow(
    expect.toSatisfy((thrown) => isCode(thrown, 'invalid-duration')),
  )
})
