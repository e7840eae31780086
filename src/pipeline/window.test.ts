import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import type { Duration } from '../core/duration.ts'
import type { AggregatorOf } from './aggregator.ts'
import { count } from './aggregators/count.ts'
import { buildPlan } from './build-plan.ts'
import { countWindow, globalWindow, onCount, onInterval } from './count-window.ts'
import { planJson } from './explain-plan.ts'
import { from } from './from.ts'
import type { WindowOptions } from './stream.ts'
import { topic } from './topic.ts'
import type { TriggerSpec, WindowSpec } from './window-spec.ts'
import { calendar, cumulative, session, sliding, trailing, tumbling } from './window.ts'

test.each<[WindowSpec, object]>([
  [tumbling('1m'), { kind: 'tumbling', sizeMs: 60_000, offsetMs: 0, time: 'event' }],
  [
    tumbling('1d', { offset: '6h', time: 'processing' }),
    { kind: 'tumbling', sizeMs: 86_400_000, offsetMs: 21_600_000, time: 'processing' },
  ],
  [
    sliding('10s', { every: '3s', offset: '1s' }),
    { kind: 'sliding', sizeMs: 10_000, everyMs: 3000, offsetMs: 1000, time: 'event' },
  ],
  [trailing('10m'), { kind: 'trailing', sizeMs: 600_000, time: 'event' }],
  [session('30m'), { kind: 'session', gapMs: 1_800_000, time: 'event' }],
  [
    cumulative('1h', { within: '1d' }),
    { kind: 'cumulative', stepMs: 3_600_000, sizeMs: 86_400_000, offsetMs: 0, time: 'event' },
  ],
  [
    calendar('3mo', { timeZone: 'Europe/Berlin' }),
    {
      kind: 'calendar',
      unit: 'month',
      count: 3,
      timeZone: 'Europe/Berlin',
      offsetMs: 0,
      time: 'event',
    },
  ],
  [
    calendar('2y', { timeZone: 'UTC', offset: '6h' }),
    {
      kind: 'calendar',
      unit: 'month',
      count: 24,
      timeZone: 'UTC',
      offsetMs: 21_600_000,
      time: 'event',
    },
  ],
  [countWindow(5), { kind: 'count', size: 5, every: 5 }],
  [countWindow(5, { every: 2 }), { kind: 'count', size: 5, every: 2 }],
  [
    globalWindow(onCount(3)),
    { kind: 'global', trigger: { kind: 'count', records: 3, purge: false } },
  ],
  [
    globalWindow(onInterval('10s', { time: 'processing', purge: true })),
    {
      kind: 'global',
      trigger: { kind: 'interval', everyMs: 10_000, time: 'processing', purge: true },
    },
  ],
])('as plain data: %o', (window, expected) => {
  assert.deepEqual(window, expected)
})

function refusal(make: () => unknown): MillraceError {
  try {
    make()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

const bad = <T>(value: unknown): T => value as T
test.each<[string, () => unknown]>([
  ["window size cannot be '0ms'", () => tumbling('0ms')],
  ["window size cannot be '1000001d'", () => tumbling('1000001d')],
  ["offset is less than 60000 ms here, not '1m'", () => tumbling('1m', { offset: '1m' })],
  ["time is 'event' or 'processing'", () => tumbling('1m', { time: bad('wall') })],
  ["every is at most the size '10s'", () => sliding('10s', { every: '11s' })],
  ["every cannot be '0ms'", () => sliding('10s', { every: '0ms' })],
  ['offset is less than 2000 ms', () => sliding('10s', { every: '2s', offset: '2s' })],
  ["window size cannot be '0ms'", () => trailing('0ms')],
  ["gap cannot be '0ms'", () => session('0ms')],
  ["within is a whole number of steps of '7m'", () => cumulative('7m', { within: '1h' })],
  ["within is a whole number of steps of '2h'", () => cumulative('2h', { within: '1h' })],
  ["step cannot be '0ms'", () => cumulative('0ms', { within: '1h' })],
  ["calendar takes '1d'", () => calendar(bad('1h'), { timeZone: 'UTC' })],
  ["calendar takes '1d'", () => calendar('0d', { timeZone: 'UTC' })],
  ["calendar takes '1d'", () => calendar('1.5d', { timeZone: 'UTC' })],
  ["calendar takes '1d'", () => calendar('-1d', { timeZone: 'UTC' })],
  ['calendar takes a timeZone', () => calendar('1d', bad({}))],
  ["no time zone 'Mars/Base'", () => calendar('1d', { timeZone: 'Mars/Base' })],
  ['offset is less than', () => calendar('1d', { timeZone: 'UTC', offset: '23h' })],
  ['countWindow takes a whole number', () => countWindow(0)],
  ['countWindow takes a whole number', () => countWindow(1.5)],
  ['countWindow takes a whole number', () => countWindow(bad('3'))],
  ['every is a whole number from 1 to 3', () => countWindow(3, { every: 4 })],
  ['every is a whole number from 1 to 3', () => countWindow(3, { every: 0 })],
  ['a common divisor of at least', () => countWindow(20_001, { every: 2 })],
  ['globalWindow takes a trigger', () => globalWindow(bad<TriggerSpec>(undefined))],
  ['onCount takes a whole number', () => onCount(-1)],
  ["every is at least '1ms'", () => onInterval('0ms')],
  ["time is 'event' or 'processing'", () => onInterval('1s', { time: bad('wall') })],
])('refused: %s', (text, make) => {
  const thrown = refusal(make)
  assert.equal(thrown.code, 'invalid-argument')
  assert.ok(thrown.message.includes(text), thrown.message)
})

test.each<[string, () => unknown]>([
  ['negative', () => tumbling(bad<Duration>('-5s'))],
  ['a fraction of a ms', () => session('1.5ms')],
  ['not there', () => sliding('10s', bad({}))],
  ['not there', () => cumulative('1s', bad({}))],
])('a duration that is %s', (_title, make) => {
  assert.equal(refusal(make).code, 'invalid-duration')
})

const records = from(topic('in', { key: () => 'k' }))
const out = topic('out')

function planOf(window: WindowSpec, options: WindowOptions = {}, aggregator = count()): unknown {
  const counted = records.window(window, options).aggregate({ n: aggregator })
  return planJson(buildPlan(counted.to(out), { name: 'p', repartition: false }))
}

const cannotMerge: AggregatorOf<unknown, number> = { ...count(), kind: 'odd', merge: null }

test.each<[WindowSpec]>([
  [sliding('10s', { every: '2s' })],
  [cumulative('1h', { within: '1d' })],
  [session('5s')],
  [trailing('5s')],
  [countWindow(4, { every: 2 })],
])('%o needs aggregators that merge, and names the step', (window) => {
  const thrown = refusal(() => planOf(window, {}, cannotMerge))
  assert.equal(thrown.code, 'invalid-plan')
  assert.match(thrown.at.step ?? '', /^in\.aggregate-/)
  assert.match(thrown.message, /merges parts, which 'n' \(odd\) cannot/)
  planOf(window)
})

test.each<[WindowSpec]>([
  [tumbling('10s')],
  [sliding('10s', { every: '10s' })],
  [calendar('1d', { timeZone: 'UTC' })],
  [countWindow(4)],
  [globalWindow(onCount(2))],
])('%o has no parts to merge', (window) => {
  planOf(window, {}, cannotMerge)
})

test.each<[string, WindowSpec, WindowOptions]>([
  ['nothing is late', tumbling('1s', { time: 'processing' }), { lateness: '1s' }],
  ['nothing is late', countWindow(2), { lateness: '1s' }],
  ['nothing is late', globalWindow(onCount(2)), { lateness: '1s' }],
  ['the trigger', globalWindow(onCount(2)), { emit: 'updates' }],
  ['the trigger', globalWindow(onCount(2)), { emit: { early: '1s' } }],
])('options that contradict the window: %s', (text, window, options) => {
  const thrown = refusal(() => planOf(window, options))
  assert.equal(thrown.code, 'invalid-plan')
  assert.ok(thrown.message.startsWith(text), thrown.message)
  assert.match(thrown.at.step ?? '', /^in\.aggregate-/)
})

test.each<[WindowSpec, string, string, string, boolean]>([
  [
    sliding('10s', { every: '2s', offset: '1s' }),
    'in.aggregate-10s-every-2s',
    'sliding 10s every 2s, offset 1s',
    'one entry for each key and slice of open windows',
    true,
  ],
  [
    session('5m', { time: 'processing' }),
    'in.aggregate-session-5m',
    'session, gap 5m, processing time',
    'one entry for each key with open sessions',
    false,
  ],
  [
    trailing('1h'),
    'in.aggregate-trailing-1h',
    'trailing 1h',
    'one entry for each key and second of the last 1h',
    true,
  ],
  [
    cumulative('1h', { within: '1d' }),
    'in.aggregate-cumulative-1d-by-1h',
    'cumulative 1d by 1h',
    'one entry for each key and slice of open windows',
    true,
  ],
  [
    calendar('1mo', { timeZone: 'Europe/Berlin' }),
    'in.aggregate-calendar-1mo',
    '1 month in Europe/Berlin',
    'one entry for each key and open window',
    true,
  ],
  [
    countWindow(4, { every: 2 }),
    'in.aggregate-count-4-every-2',
    '4 records every 2',
    'state grows with the number of keys',
    false,
  ],
  [
    globalWindow(onInterval('10s', { purge: true })),
    'in.aggregate-global',
    'global, every 10s of event time, then empty',
    'state grows with the number of keys',
    false,
  ],
])('in a plan: %o', (window, name, text, state, canBeLate) => {
  const plan = planOf(window) as ReturnType<typeof planJson>
  const step = plan.parts[0]?.steps.find((one) => one.name === name)
  assert.equal(step?.settings['window'], text)
  assert.equal(step?.state, state)
  assert.deepEqual(step?.late, canBeLate ? ['in.late'] : [])
})
