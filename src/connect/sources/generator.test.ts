import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { SourceBatch } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { generator } from './generator.ts'
import type { GeneratorOptions, GeneratorPosition } from './generator.ts'

interface Made {
  readonly i: number
  readonly x: number
}

const options: GeneratorOptions<Made> = {
  name: 'made-up',
  rate: 1_000,
  value: (i, random) => ({ i, x: random.int(1_000_000) }),
  key: ({ i }) => `k${i % 3}`,
}

defineSourceConformance<GeneratorPosition>(test, {
  name: 'generator',
  source: () => generator(options),
  compare: (a, b) => a.count - b.count,
  stepMs: 20,
  batchesMax: 30,
  openLog: openMemoryLog,
})

/** Batches of so many virtual ms. */
async function during(
  ms: number,
  given: GeneratorOptions<Made>,
  from: GeneratorPosition | null = null,
): Promise<SourceBatch<GeneratorPosition>[]> {
  const clock = new VirtualClock(7_000)
  const stopping = new AbortController()
  const context = { signal: stopping.signal, clock, random: systemRandom, notice: () => {} }
  const batches: SourceBatch<GeneratorPosition>[] = []
  const reading = (async () => {
    for await (const batch of generator(given).open(from, context)) batches.push(batch)
  })()
  reading.catch(() => {}) // awaited below
  for (let passed = 0; passed < ms; passed += 10) {
    await systemClock.nextTurn()
    clock.advance(10)
  }
  await systemClock.nextTurn()
  stopping.abort()
  await reading
  return batches
}

const valuesOf = (batches: readonly SourceBatch<GeneratorPosition>[]): Made[] =>
  batches.flatMap(({ records }) => records.map(({ value }) => JSON.parse(String(value)) as Made))

test.for([7, 333, 1_000, 250_000])('%i records a second', async (rate) => {
  const { length } = valuesOf(await during(2_000, { ...options, rate }))
  assert.ok(Math.abs(length - 2 * rate) <= Math.max(1, rate / 20), `${length} in 2 s`)
})

test('the same from the same seed, others from another; event times by the rate', async () => {
  const [a, b, other] = await Promise.all([
    during(500, options),
    during(500, options),
    during(500, { ...options, seed: 2 }),
  ])
  assert.deepEqual(valuesOf(a).slice(0, 400), valuesOf(b).slice(0, 400))
  const sameCount = valuesOf(a).filter(({ x }, i) => valuesOf(other)[i]?.x === x).length
  assert.ok(sameCount < 5, `${sameCount} of 500 are the same`)
  assert.equal(new Set(valuesOf(a).map(({ x }) => x)).size > 450, true)
  const times = a.flatMap(({ records }) => records.map(({ time }) => time))
  assert.deepEqual(times.slice(0, 3), [7_000, 7_001, 7_002])
  const start = new Date(Date.UTC(2024, 0, 1))
  const dated = await during(100, { ...options, start, rate: 10 })
  assert.equal(dated[0]?.records[0]?.time, start.getTime())
})

test('after a pause it goes on at its pace, with the records that come next', async () => {
  const first = await during(300, options)
  const position = first.at(-1)?.position ?? null
  const rest = await during(300, options, position)
  assert.deepEqual(
    valuesOf([...first, ...rest]).map(({ i }) => i),
    Array.from({ length: valuesOf([...first, ...rest]).length }, (_, i) => i),
  )
  assert.ok(valuesOf(rest).length <= 301, 'the pause is not made up for')
})

test('it ends after the count', async () => {
  assert.equal(valuesOf(await during(1_000, { ...options, count: 123 })).length, 123)
})

test('a value that cannot be made ends the run; options that cannot be are refused', async () => {
  const failing = {
    ...options,
    value: (i: number): Made => {
      if (i === 50) throw new Error('no')
      return { i, x: 0 }
    },
  }
  await assert.rejects(
    during(1_000, failing),
    (error) => isCode(error, 'step-failed') && error.retry === 'never',
  )
  for (const wrong of [
    { rate: 0 },
    { rate: Number.NaN },
    { seed: -1 },
    { seed: 0.5 },
    { count: 0 },
    { start: new Date('never') },
    { value: 5 },
    { name: 'a b' },
    { speed: 1 },
  ]) {
    assert.throws(
      () => generator({ ...options, ...wrong } as GeneratorOptions<Made>),
      (error) => isCode(error, 'invalid-argument'),
    )
  }
})
