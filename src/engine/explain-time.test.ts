import assert from 'node:assert/strict'
import { test } from 'vitest'
import { json } from '../core/codec.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { tumbling } from '../pipeline/window.ts'
import { testPipeline } from '../testing/test-pipeline.ts'

interface Reading {
  readonly device: string
  readonly at: number
}

const readings = topic('readings', {
  codec: json<Reading>(),
  key: (r) => r.device,
  time: (r) => r.at,
  outOfOrder: '5s',
  partitions: 2,
})
const counts = from(readings).window(tumbling('10s')).aggregate({ n: count() }).named('per-device')

test('a partition without a record holds event time, until it is idle', () => {
  const pipeline = testPipeline(counts.to(topic('counts')), { startMs: 1000 })
  pipeline.push(readings, { device: 'a', at: 20_000 }, { partition: 0 })
  const { watermarkMs, heldBy, inputs, release, steps } = pipeline.explain()
  assert.equal(watermarkMs, null)
  const silent = {
    topic: 'readings',
    partition: 1,
    reachedMs: null,
    sinceMs: 1000,
    state: 'holds',
    hasBacklog: false,
  }
  assert.deepEqual(heldBy, [silent])
  assert.deepEqual(
    inputs.map(({ state, reachedMs }) => [state, reachedMs]),
    [
      ['ahead', 15_000],
      ['holds', null],
    ],
  )
  assert.deepEqual(release, {
    kind: 'record',
    topic: 'readings',
    partition: 1,
    aboveMs: null,
    idleAtMs: 11_000,
  })
  assert.deepEqual(steps, [
    { step: 'per-device', watermarkMs: null, dueMs: 30_000, clockDueMs: null },
  ])
})

test('the slowest partition, since when, and the record that would move it', () => {
  const pipeline = testPipeline(counts.to(topic('counts')))
  pipeline.push(readings, { device: 'a', at: 20_000 }, { partition: 0 })
  pipeline.advance('2s')
  pipeline.push(readings, { device: 'b', at: 12_000 }, { partition: 1 })
  pipeline.advance('1s')
  const { watermarkMs, heldBy, release } = pipeline.explain()
  assert.equal(watermarkMs, 7000)
  assert.deepEqual(
    heldBy.map(({ partition, reachedMs, sinceMs }) => [partition, reachedMs, sinceMs]),
    [[1, 7000, 2000]],
  )
  assert.deepEqual(release, {
    kind: 'record',
    topic: 'readings',
    partition: 1,
    aboveMs: 12_000,
    idleAtMs: 12_000,
  })
  pipeline.push(readings, { device: 'b', at: 12_001 }, { partition: 1 })
  assert.equal(pipeline.watermark(), 7001)
})

test('all idle: the clock moves event time, or only a record', () => {
  const pipeline = testPipeline(counts.to(topic('counts')))
  pipeline.push(readings, { device: 'a', at: 20_000 }, { partition: 0 })
  pipeline.idle()
  assert.deepEqual(pipeline.explain().release, { kind: 'clock' })
  assert.deepEqual(pipeline.explain().heldBy, [])
  const waiting = topic('readings', { idle: 'wait' })
  const other = testPipeline(from(waiting).to(topic('out')))
  other.idle()
  assert.deepEqual(other.explain().release, { kind: 'any-record' })
})
