import { expect, test } from 'vitest'
import { z } from 'zod'
import { json, string } from '../../core/codec.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import { count } from '../../pipeline/aggregators/count.ts'
import { from } from '../../pipeline/from.ts'
import { topic } from '../../pipeline/topic.ts'
import { session, tumbling } from '../../pipeline/window.ts'
import { generateInput, timeScaleOf, valueSource } from './generate-input.ts'

const orders = topic('orders', {
  schema: z.object({ customer: z.string(), cents: z.int(), at: z.iso.datetime() }),
  key: (order) => order.customer,
  time: (order) => Date.parse(order.at),
  outOfOrder: '10s',
})
const scale = { shortestMs: 60_000, longestMs: 3_600_000 }

/** How far each record is behind the largest time before it, ms. */
function delays(times: readonly number[]): number[] {
  let largest = Number.NEGATIVE_INFINITY
  return times.map((time) => {
    const delay = Math.max(0, largest - time)
    largest = Math.max(largest, time)
    return delay
  })
}

test('records: few keys, over several windows, disordered, some twice, some late', () => {
  const input = generateInput(orders.spec, { records: 500, seed: 1, scale, late: 'some' })
  const times = input.map(({ time = -1 }) => time)
  const often = Map.groupBy(input, ({ key }) => key)
  expect([...often.values()].filter((all) => all.length > 40)).toHaveLength(5)
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3 * scale.longestMs)
  expect(input.length).toBeGreaterThan(505)
  const behind = delays(times)
  expect(behind.filter((delay) => delay > 0 && delay <= 10_000).length).toBeGreaterThan(20)
  expect(behind.filter((delay) => delay > 10_000).length).toBeGreaterThan(5)
  expect(behind.filter((delay) => delay > scale.longestMs).length).toBeGreaterThan(2)
  const same = generateInput(orders.spec, { records: 500, seed: 1, scale, late: 'some' })
  expect(same).toEqual(input)
  const other = generateInput(orders.spec, { records: 500, seed: 2, scale, late: 'some' })
  expect(other).not.toEqual(input)
})

test('without late ones, all are within the bound of the topic', () => {
  const input = generateInput(orders.spec, { records: 500, seed: 1, scale, late: 'none' })
  expect(Math.max(...delays(input.map(({ time = -1 }) => time)))).toBeLessThanOrEqual(10_000)
})

test('values come from a schema, or are text; of others nobody knows', () => {
  expect(valueSource(orders.spec)).toBe('schema')
  const words = topic('words', { codec: string() })
  expect(valueSource(words.spec)).toBe('text')
  const [first] = generateInput(words.spec, { records: 1, seed: 1, scale, late: 'some' })
  expect(typeof first?.value).toBe('string')
  expect(valueSource(topic('events', { codec: json() }).spec)).toBe(null)
})

test('the scale is that of the windows of a plan', () => {
  const byKey = from(orders)
  const both = [
    byKey.window(tumbling('1h')).aggregate({ n: count() }).print(),
    byKey.window(session('30s'), { lateness: '1m' }).aggregate({ n: count() }).print(),
  ]
  const stepsOf = (pipelines: typeof both): Parameters<typeof timeScaleOf>[0] =>
    buildPlan(pipelines, { name: 'p', repartition: false }).parts.flatMap(({ steps }) => steps)
  expect(timeScaleOf(stepsOf(both))).toEqual({ shortestMs: 30_000, longestMs: 3_600_000 })
  expect(timeScaleOf(stepsOf([byKey.print()]))).toEqual({ shortestMs: 10_000, longestMs: 10_000 })
})
