import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { SourceBatch } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { schedule } from './schedule.ts'
import type { Due, ScheduleOptions, SchedulePosition } from './schedule.ts'

for (const options of [
  { name: 'each-second', every: '1s' },
  { name: 'by-cron', cron: '* * * * *', zone: 'Asia/Kathmandu' },
] as const) {
  defineSourceConformance<SchedulePosition>(test, {
    name: options.name,
    source: () => schedule(options),
    compare: (a, b) => a.lastMs - b.lastMs,
    stepMs: 'every' in options ? 500 : 30_000,
    batchesMax: 12,
    openLog: openMemoryLog,
  })
}

const minute = 60_000
const startMs = Date.UTC(2024, 0, 1, 12)

interface Run {
  readonly due: string[]
  readonly batches: SourceBatch<SchedulePosition>[]
}

/** Runs it from an instant for so many minutes. */
async function during(
  options: Partial<ScheduleOptions>,
  fromMs: number,
  minutes: number,
  position: SchedulePosition | null = null,
): Promise<Run> {
  const clock = new VirtualClock(fromMs)
  const stopping = new AbortController()
  const context = { signal: stopping.signal, clock, random: systemRandom, notice: () => {} }
  const source = schedule({ name: 'due', ...options })
  const batches: SourceBatch<SchedulePosition>[] = []
  const reading = (async () => {
    for await (const batch of source.open(position, context)) batches.push(batch)
  })()
  for (let passed = 0; passed <= minutes * 12; passed++) {
    for (let turn = 0; turn < 3; turn++) await systemClock.nextTurn()
    clock.advance(5_000)
  }
  stopping.abort()
  await reading
  const records = batches.flatMap((batch) => batch.records)
  const due = records.map(({ value, time }) => {
    const { due: text } = JSON.parse(String(value)) as Due
    assert.equal(Date.parse(text), time)
    return text.slice(11, 16)
  })
  return { due, batches }
}

test('full minutes, from the first one after its start', async () => {
  const { due } = await during({ every: '5m' }, startMs + minute, 16)
  assert.deepEqual(due, ['12:05', '12:10', '12:15'])
})

test('when it began is committed before the first time', async () => {
  const { batches } = await during({ cron: '0 3 * * *' }, startMs, 1)
  assert.deepEqual(batches, [{ records: [], position: { lastMs: startMs } }])
})

const away = { lastMs: startMs } // until 12:32
test.for<['all' | 'last' | 'skip', string[]]>([
  ['all', ['12:10', '12:20', '12:30', '12:40']],
  ['last', ['12:30', '12:40']],
  ['skip', ['12:40']],
])('what was missed: %s', async ([missed, wished]) => {
  for (const when of [{ every: '10m' }, { cron: '*/10 * * * *' }] as const) {
    const { due } = await during({ ...when, missed }, startMs + 32 * minute, 10, away)
    assert.deepEqual(due, wished)
  }
})

test('a year that was missed comes in pieces, its last time is found at once', async () => {
  const fromMs = startMs + 366 * 24 * 60 * minute
  const { batches } = await during({ every: '1m' }, fromMs, 0, away)
  assert.ok(batches.every(({ records }) => records.length <= 1_000))
  assert.equal(batches[0]?.records.length, 1_000)
  const last = await during({ cron: '* * * * *', missed: 'last' }, fromMs, 0, away)
  assert.deepEqual(last.due, ['12:00'])
  assert.equal(last.batches[0]?.position.lastMs, fromMs)
})

test('nothing is given twice when the clock is set back', async () => {
  const { due } = await during({ every: '5m' }, startMs, 8, { lastMs: startMs + 5 * minute })
  assert.deepEqual(due, [])
})

test('options that cannot be are refused', () => {
  for (const options of [
    {},
    { every: '1m', cron: '* * * * *' },
    { every: '0s' },
    { every: '1m', zone: 'UTC' },
    { cron: 'often' },
    { cron: '* * * * *', zone: 'Atlantis' },
    { every: '1m', missed: 'some' },
    { every: '1m', misssed: 'all' },
  ]) {
    assert.throws(
      () => schedule({ name: 'due', ...options } as ScheduleOptions),
      (error) => isCode(error, 'invalid-argument'),
    )
  }
})
