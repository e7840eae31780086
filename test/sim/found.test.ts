/** What random pipelines have found, each as a small pipeline of its own. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import {
  count,
  cumulative,
  from,
  globalTable,
  json,
  lookup,
  table,
  topic,
  tumbling,
  within,
} from 'millrace'
import { inputOf, simulate } from 'millrace/testing'
import { partitionOfText } from '../../src/log/partitioner.ts'
import type { SimulatedRecord } from 'millrace/testing'

interface Value {
  readonly k: string
  readonly v: number
  readonly t: number
}

const options = {
  codec: json<Value>(),
  key: ({ k }: Value) => k,
  time: ({ t }: Value) => t,
  outOfOrder: '1s',
  partitions: 2,
} as const
const left = topic('left', options)
const right = topic('right', options)
const rows = topic('rows', { ...options, compact: true })
const out = topic('out')
const keys = ['a', 'b', 'c', 'd']

function values(count_: number): Value[] {
  return Array.from({ length: count_ }, (_, i) => {
    return { k: keys[i % keys.length] ?? '', v: i % 7, t: 10_000 + i * 100 - (i % 3) * 90 }
  })
}

test('a tombstone has the same event time when its task was restored before it', async () => {
  const input = values(40).map((value, i): SimulatedRecord => {
    const place = { topic: 'rows', key: value.k, time: value.t + 60_000 }
    return i % 5 === 4 ? { ...place, value: null } : { ...place, value }
  })
  const report = await simulate(table(rows).to(out), { input, seeds: 60 })
  assert.ok(report.faults.crash > 20, JSON.stringify(report))
})

test('a restored window that grows does not keep its task spinning', async () => {
  const grown = from(left)
    .window(cumulative('400ms', { within: '1200ms' }))
    .aggregate({ n: count() })
    .to(out)
  const input = inputOf(left, values(3))
  const faults = ['commit-fails', 'answer-lost'] as const
  const report = await simulate(grown, { input, seeds: 100, faults })
  assert.ok(report.faults['answer-lost'] > 20, JSON.stringify(report))
})

test('a join of which one side has to move, then a step with state', async () => {
  const pairs = from(left)
    .join(
      from(right).keyBy(({ k }) => k),
      within('100ms'),
    )
    .aggregate({ n: count() })
    .toStream()
    // Which pair comes first is open: how many there are is not.
    .map(({ n }) => n)
    .to(out)
  const input = [...inputOf(left, values(20)), ...inputOf(right, values(20))]
  await simulate(pairs, { input, seeds: 20, tasks: 'per-partition' })
})

test('a part of which one partition gets no record, and no mark', async () => {
  const pairs = from(left)
    .join(
      from(right).keyBy(({ k }) => k),
      within('forever'),
    )
    .to(out)
  const input = [...inputOf(left, values(1)), ...inputOf(right, values(1))]
  await simulate(pairs, { input, seeds: 20, tasks: 'per-partition' })
})

test('letters of records that wait for an answer may come in another order, and form', async () => {
  const known = lookup(async (v: number) => v, { by: ({ v }: Value) => v % 2 })
  const refused = from(left)
    .join(known)
    .map(({ left: value }) => {
      if (value.v > 3) throw new Error(`${value.v} is refused`)
      return value
    })
    .to(out)
  const input = inputOf(left, values(60))
  const report = await simulate(refused, { input, seeds: 40 })
  assert.ok(report.faults['small-reads'] > 10, JSON.stringify(report))
})

test('what a mark lets go behind a repartition topic finds the rows that are there', async () => {
  const slow = topic('slow', { ...options, idleAfter: '1d' })
  const named = from(slow)
    .keyBy(({ v }) => v)
    .window(tumbling('1s'))
    .aggregate({ n: count() })
    .join(globalTable(topic('names', { ...options, codec: json<Value>(), compact: true })), {
      by: () => 'a',
      type: 'left',
    })
    .to(out)
  // The row that counts is the last one of several, and comes together with what closes the window.
  const names = Array.from({ length: 60 }, (_, i): Value => ({ k: 'a', v: i, t: 20_000 + i }))
  const late = keys.map((k): Value => ({ k, v: 1, t: 60_000 }))
  const input = [
    ...inputOf(slow, values(8)),
    ...names.map((value) => ({ topic: 'names', key: 'a', value, time: value.t, wave: 1 })),
    ...inputOf(slow, late, () => ({ wave: 1 })),
  ]
  const faults = ['small-reads', 'stalled'] as const
  await simulate(named, { input, seeds: 100, faults, tasks: 'per-partition' })
})

test('an input that was idle holds nothing back after a restart, though all wait', async () => {
  const patient = topic('patient', { ...options, idleAfter: '20s', idle: 'wait' })
  const counted = from(patient).window(tumbling('1s')).aggregate({ n: count() }).to(out)
  // Keys of one partition alone go on, more in each wave; the other one has fallen idle.
  const [first = ''] = keys
  const only = keys.filter((key) => partitionOfText(key, 2) === partitionOfText(first, 2))
  const more = Array.from({ length: 6 }, (_, wave) =>
    inputOf(
      patient,
      only.map((k): Value => ({ k, v: wave, t: 30_000 + wave * 5_000 })),
      () => ({ wave: wave + 1 }),
    ),
  )
  const input = [...inputOf(patient, values(12)), ...more.flat()]
  const report = await simulate(counted, { input, seeds: 150, betweenWaves: '15s', settle: '1m' })
  assert.ok(report.faults.crash > 40, JSON.stringify(report))
})
