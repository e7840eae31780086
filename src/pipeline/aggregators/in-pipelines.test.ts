/** The aggregators as users write them: their types, and that a run gives what they promise. */
import { describe, expect, expectTypeOf, test } from 'vitest'
import { from, json, topic, tumbling } from '../../index.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import { approxDistinct } from './approx-distinct.ts'
import { argMax, argMin } from './arg-extreme.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { distinct } from './distinct.ts'
import { ewma } from './ewma.ts'
import { histogram } from './histogram.ts'
import type { Bucket } from './histogram.ts'
import { aggregator } from './own.ts'
import { quantile } from './quantile.ts'
import { sum } from './sum.ts'
import { topK } from './top-k.ts'
import type { TopValue } from './top-k.ts'
import { stddev, variance } from './variance.ts'

interface Request {
  readonly user: string
  readonly page: string
  readonly ms: number
  readonly at: number
}

const requests = topic('requests', {
  codec: json<Request>(),
  key: () => 'all',
  time: (request) => request.at,
})
const out = topic('out')

/** Refuses what takes 13 ms. */
const total = aggregator({
  init: () => ({ ms: 0 }),
  add: (soFar, { ms }: Request) => {
    if (ms === 13) throw new Error('unlucky')
    return { ms: soFar.ms + ms }
  },
  merge: (first, second) => ({ ms: first.ms + second.ms }),
  result: ({ ms }) => `${ms}ms`,
})

const windows = from(requests)
  .window(tumbling('1m'))
  .aggregate({
    ids: collect((r) => r.user),
    tail: quantile((r) => r.ms, [0, 1]),
    middle: quantile((r) => r.ms, 0.5),
    pages: topK((r) => r.page, 2),
    users: approxDistinct((r) => r.user),
    exactly: distinct((r) => r.user),
    fastest: argMin((r) => r.ms),
    slowest: argMax(
      (r) => r.ms,
      (r) => r.page,
    ),
    durations: histogram((r) => r.ms, [10, 100]),
    level: ewma((r) => r.ms, { halfLife: '5s', time: (r) => r.at }),
    smooth: ewma((r) => r.ms, { alpha: 0.5 }),
    spread: variance((r) => r.ms, { population: true }),
    sigma: stddev((r) => r.ms),
    bytes: sum((r) => BigInt(r.ms)),
    total,
    n: count(),
  })

const a: Request = { user: 'ann', page: '/', ms: 8, at: 0 }
const b: Request = { user: 'bob', page: '/', ms: 200, at: 5000 }
const c: Request = { user: 'ann', page: '/cart', ms: 8, at: 10_000 }
const unlucky: Request = { user: 'eve', page: '/admin', ms: 13, at: 12_000 }

describe('in a window', () => {
  test('types follow from the values', () => {
    type Row = Parameters<Parameters<(typeof windows)['map']>[0]>[0]
    expectTypeOf<Row['ids']>().toEqualTypeOf<string[]>()
    expectTypeOf<Row['tail']>().toEqualTypeOf<number[]>()
    expectTypeOf<Row['middle']>().toEqualTypeOf<number>()
    expectTypeOf<Row['pages']>().toEqualTypeOf<TopValue<string>[]>()
    expectTypeOf<Row['fastest']>().toEqualTypeOf<Request>()
    expectTypeOf<Row['slowest']>().toEqualTypeOf<string>()
    expectTypeOf<Row['durations']>().toEqualTypeOf<Bucket[]>()
    expectTypeOf<Row['bytes']>().toEqualTypeOf<bigint>()
    expectTypeOf<Row['total']>().toEqualTypeOf<string>()
  })

  test('one record that is refused half-way leaves no trace in any of them', () => {
    const pipeline = testPipeline(
      windows.map(({ bytes, ...row }) => ({ ...row, bytes: String(bytes) })).to(out),
    )
    for (const request of [a, unlucky, b, unlucky, unlucky, c]) pipeline.push(requests, request)
    pipeline.push(requests, { ...a, at: 60_000 })
    const [row] = pipeline.outputs('out') as Record<string, unknown>[]
    const { tail, middle, level, sigma, ...exact } = row as Record<string, number>
    expect(exact).toStrictEqual({
      key: 'all',
      window: { start: 0, end: 60_000 },
      ids: ['ann', 'bob', 'ann'],
      pages: [
        { value: '/', count: 2, error: 0 },
        { value: '/cart', count: 1, error: 0 },
      ],
      users: 2,
      exactly: 2,
      fastest: a,
      slowest: '/',
      durations: [
        { from: null, to: 10, count: 2 },
        { from: 10, to: 100, count: 0 },
        { from: 100, to: null, count: 1 },
      ],
      smooth: 56,
      spread: 8192,
      bytes: '216',
      total: '216ms',
      n: 3,
    })
    const [least, most] = tail as unknown as number[]
    expect(Math.abs((least as number) - 8)).toBeLessThan(0.081)
    expect(Math.abs((most as number) - 200)).toBeLessThan(2.001)
    expect(Math.abs((middle as number) - 8)).toBeLessThan(0.081)
    expect(level).toBeCloseTo((8 / 4 + 200 / 2 + 8) / 1.75, 10)
    expect(sigma).toBeCloseTo(Math.sqrt(12_288), 10)
  })
})
