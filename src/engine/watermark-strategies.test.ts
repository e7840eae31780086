import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { json } from '../core/codec.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { ascending, bounded, perKey } from '../pipeline/watermark.ts'
import type { WatermarkStrategy } from '../pipeline/watermark.ts'
import { tumbling } from '../pipeline/window.ts'
import { testPipeline } from '../testing/test-pipeline.ts'
import type { PipelineTest } from '../testing/pipeline-test.ts'
import { KeyClock } from './key-clock.ts'

interface Reading {
  readonly device: string
  readonly at: number
  readonly complete?: number | null
}

function drive(watermark: WatermarkStrategy | ((r: Reading) => number | null)): {
  pipeline: PipelineTest
  push: (device: string, at: number, complete?: number | null) => number | null
} {
  const readings = topic('readings', {
    codec: json<Reading>(),
    key: (r) => r.device,
    time: (r) => r.at,
    watermark,
  })
  const counts = from(readings).window(tumbling('10ms')).aggregate({ n: count() })
  const pipeline = testPipeline(counts.to(topic('counts')))
  const push = (device: string, at: number, complete?: number | null): number | null => {
    pipeline.push(readings, { device, at, ...(complete === undefined ? {} : { complete }) })
    return pipeline.watermark()
  }
  return { pipeline, push }
}

test('bounded and ascending', () => {
  const behind = drive(bounded('5ms')).push
  assert.deepEqual([behind('a', 100), behind('b', 90), behind('a', 101)], [95, 95, 96])
  const { push, pipeline } = drive(ascending())
  assert.deepEqual([push('a', 100), push('b', 89)], [100, 100])
  assert.equal(pipeline.late().length, 1)
})

test('perKey: no key makes another one late, until it is far behind', () => {
  const { push, pipeline } = drive(perKey({ outOfOrder: '2ms', idleAfter: '50ms' }))
  assert.deepEqual([push('a', 100), push('b', 60)], [98, 98]) // never back
  assert.equal(push('a', 109), 98)
  assert.equal(push('b', 105), 103)
  assert.equal(push('a', 130), 103)
  assert.equal(push('a', 156), 154) // b has ended: it is more than 50 ms behind
  assert.equal(push('b', 131), 154)
  assert.equal(pipeline.late().length, 2) // b at 60, and at 131
})

test('a function: event time is what the records say', () => {
  const { push, pipeline } = drive((r) => r.complete ?? null)
  assert.deepEqual([push('a', 100), push('a', 5000)], [null, null])
  assert.deepEqual([push('b', 90, 120), push('a', 119), push('a', 300, 110)], [120, 120, 120])
  assert.equal(pipeline.late().length, 1) // 119: its window ended at 120
  assert.equal(push('a', 300, 9e15), 120)
  assert.equal(pipeline.deadLetters()[0]?.reason, 'validation-failed')
})

test('bad strategies are refused', () => {
  const refused = (make: () => unknown): string => {
    try {
      make()
    } catch (thrown) {
      return (thrown as { code: string }).code
    }
    return ''
  }
  assert.equal(
    refused(() => perKey({ idleAfter: '0ms' })),
    'invalid-argument',
  )
  assert.equal(
    refused(() => topic('x', { outOfOrder: '1s', watermark: ascending() })),
    'invalid-topic',
  )
  assert.equal(
    refused(() => topic('x', { watermark: 5 as never })),
    'invalid-topic',
  )
})

test('a key clock is the least of the keys that count, also after it was kept and restored', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 7),
    time: fc.integer({ min: 0, max: 60 }),
    restarts: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const idleAfterMs = 20
      const kept = new Map<string | number, number>()
      const latest = new Map<string | number, number>()
      let clock = new KeyClock(idleAfterMs)
      for (const { key, time, restarts } of steps) {
        latest.set(key, Math.max(latest.get(key) ?? 0, time))
        const furthest = Math.max(...latest.values())
        for (const [each, at] of latest) if (furthest - at > idleAfterMs) latest.delete(each)
        assert.equal(clock.observe(key, time), Math.min(...latest.values()))
        clock.takeChanges((each, at) => {
          if (at === null) kept.delete(each as string)
          else kept.set(each as string, at)
        })
        assert.deepEqual(new Map(kept), new Map(latest))
        if (!restarts) continue
        clock = new KeyClock(idleAfterMs)
        for (const [each, at] of kept) clock.restore(each, at)
      }
    }),
  )
})
