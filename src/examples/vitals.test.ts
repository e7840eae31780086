import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Vitals } from '../connect/sources/vitals.ts'
import { testPipeline } from '../testing.ts'
import type { PipelineTest } from '../testing.ts'
import vitalsPipeline, { vitals } from './vitals.ts'

function sampleAt(ms: number, cpu: number): Vitals {
  return {
    host: 'here',
    at: new Date(ms).toISOString(),
    sample: 1 + ms / 250,
    cpu,
    cores: [cpu],
    load: 1,
    memory: 0.5,
    memoryUsedBytes: 1,
    memoryTotalBytes: 2,
    loopDelayMeanMs: 0,
    loopDelayMaxMs: ms % 1000,
    processBytes: 1,
    processCpu: 0,
  }
}

/** One letter a second of samples: `b`usy or `c`alm; a dot is a second without any. */
function run(seconds: string): PipelineTest {
  const driver = testPipeline(vitalsPipeline)
  for (const [i, letter] of seconds.split('').entries()) {
    if (letter === '.') continue
    for (const quarter of [0, 250, 500, 750]) {
      driver.push(vitals, sampleAt(i * 1000 + quarter, letter === 'b' ? 0.9 : 0.1))
    }
  }
  driver.push(vitals, sampleAt(seconds.length * 1000, 0)) // closes the last window
  return driver
}

const alertsOf = (seconds: string): unknown[] =>
  run(seconds)
    .outputs('vitals-alerts')
    .map((alert) => {
      const { alert: kind, at, seconds: count } = alert as Record<string, unknown>
      return [kind, String(at).slice(17, 19), count]
    })

test('seconds and tens of seconds of samples', () => {
  const driver = run('bccccccccc')
  const seconds = driver.outputs('vitals-1s')
  assert.equal(seconds.length, 10)
  assert.deepEqual(seconds[0], {
    key: 'here',
    window: { start: 0, end: 1000 },
    samples: 4,
    cpu: 0.9,
    cpuMax: 0.9,
    memory: 0.5,
    load: 1,
    loopDelayMaxMs: 750,
  })
  const [ten] = driver.outputs('vitals-10s') as { samples: number; cpu: number; cpuMax: number }[]
  assert.equal(ten?.samples, 40)
  assert.ok(Math.abs((ten?.cpu ?? 0) - 0.18) < 1e-9, String(ten?.cpu))
  assert.equal(ten?.cpuMax, 0.9)
  assert.deepEqual(driver.deadLetters(), [])
})

test.for<[string, unknown[]]>([
  ['bbbbcbbbbc', []],
  [
    'cbbbbbc',
    [
      ['busy', '06', 5],
      ['over', '06', 5],
    ],
  ],
  [
    'bbbbbbbbc',
    [
      ['busy', '05', 5],
      ['over', '08', 8],
    ],
  ],
  ['bbb.bbb', []], // a gap: nobody knows what was in it
  [
    'bbbbbb.c',
    [
      ['busy', '05', 5],
      ['over', '06', 6],
    ],
  ],
  [
    'bbbbbcbbbbbc',
    [
      ['busy', '05', 5],
      ['over', '05', 5],
      ['busy', '11', 5],
      ['over', '11', 5],
    ],
  ],
])('alerts of %s', ([seconds, alerts]) => {
  assert.deepEqual(alertsOf(seconds), alerts)
})
