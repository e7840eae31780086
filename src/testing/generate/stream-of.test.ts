import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { string } from '../../core/codec.ts'
import { topic } from '../../pipeline/topic.ts'
import { inputOf } from '../simulate/simulation-input.ts'
import { arbitrary } from './arbitrary.ts'
import { readerOf } from './records-at.ts'
import { streamOf } from './stream-of.ts'

const device = z.string()
/** Ways in which a value has its time. */
const timed = [
  topic('ms', { schema: z.object({ device, at: z.number() }), time: (each) => each.at }),
  topic('whole', { schema: z.object({ device, at: z.int().min(0) }), time: (each) => each.at }),
  topic('date', { schema: z.object({ device, at: z.coerce.date() }), time: (each) => each.at }),
  topic('text', {
    schema: z.object({ device, at: z.iso.datetime() }),
    time: (each) => Date.parse(each.at),
  }),
  topic('inside', {
    schema: z.object({ head: z.object({ at: z.number() }), device }),
    time: (each) => each.head.at,
  }),
  topic('optional', {
    schema: z.object({ device, at: z.number().optional() }),
    time: (each) => each.at ?? 0,
  }),
  topic('microseconds', { schema: z.object({ us: z.number() }), time: (each) => each.us / 1000 }),
]

test.each(timed.map(({ spec }) => [spec.name, spec] as const))(
  'records of %s rise in event time, from the start on',
  (_name, spec) => {
    const inputs = streamOf({ kind: 'topic', spec }, { minLength: 5, every: '1m' })
    const start = Date.UTC(2024, 0, 1)
    const read = readerOf(spec)
    fc.assert(
      fc.property(inputs, (records) => {
        let last = start
        for (const { value, time = -1 } of records) {
          expect(spec.time?.(read(value)).valueOf()).toBe(time)
          expect(time).toBeGreaterThanOrEqual(last)
          expect(time).toBeLessThanOrEqual(last + 120_000)
          last = time
        }
      }),
      { numRuns: 30 },
    )
  },
)

test('keys are those of the topic, or few for a record with its own; times without `time`', () => {
  const users = topic('users', { codec: string(), key: 'record' })
  const names = topic('names', { codec: string(), key: (name) => name.toUpperCase() })
  const values = arbitrary({ enum: ['x', 'y'] })
  const [first = []] = fc.sample(streamOf(users, { values, minLength: 40 }), {
    numRuns: 1,
    seed: 1,
  })
  expect(new Set(first.map(({ key }) => key)).size).toBeLessThan(6)
  const [second = []] = fc.sample(streamOf(names, { values, minLength: 9 }), {
    numRuns: 1,
    seed: 1,
  })
  expect(second.every(({ key, value }) => key === String(value).toUpperCase())).toBe(true)
  expect(new Set(second.map(({ time }) => time)).size).toBeGreaterThan(5)
  expect(() => streamOf(names)).toThrow(
    expect.objectContaining({ code: 'invalid-argument' }) as Error,
  )
})

test('times that cannot be put stay as the value has them', () => {
  const odd = topic('odd', {
    schema: z.object({ day: z.int().min(1).max(28) }),
    time: ({ day }) => Date.UTC(2024, 1, day),
  })
  const [records = []] = fc.sample(streamOf(odd, { minLength: 9 }), { numRuns: 1, seed: 1 })
  const days = records.map(({ value }) => (value as { day: number }).day)
  expect(days.every((day) => day >= 1 && day <= 28)).toBe(true)
  expect(records.map(({ time }) => time)).toEqual(days.map((day) => Date.UTC(2024, 1, day)))
})

test('inputOf takes the record time from the topic, where nothing else is given', () => {
  const sales = topic('sales', { schema: z.object({ at: z.date() }), time: (sale) => sale.at })
  const at = new Date(5)
  expect(inputOf(sales, [{ at }])[0]?.time).toBe(5)
  expect(inputOf(sales, [{ at }], () => ({ time: 7 }))[0]?.time).toBe(7)
})
