import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { compareKeys, keyOfState, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { play } from './aggregator.conformance.ts'
import type { Change, Move, Subject } from './aggregator.conformance.ts'
import { approxDistinct } from './approx-distinct.ts'
import { argMax, argMin } from './arg-extreme.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { distinct } from './distinct.ts'
import { ewma } from './ewma.ts'
import { max, min } from './extreme.ts'
import { first, last } from './first-last.ts'
import { histogram } from './histogram.ts'
import { aggregator } from './own.ts'
import { quantile } from './quantile.ts'
import { mean, sum } from './sum.ts'
import { topK } from './top-k.ts'
import { stddev, variance } from './variance.ts'

const itself = (value: unknown): unknown => value
const asNumber = itself as () => number
const asKey = itself as () => Key
const whole = fc.integer({ min: -1000, max: 1000 })
const finiteNumbers = fc.double({ noNaN: true, noDefaultInfinity: true })
/** Of one size: their sums are near what plain adding gives. */
const readings = fc.double({ min: -100, max: 100, noNaN: true })
const total = (values: readonly unknown[]): number =>
  (values as number[]).reduce((sumSoFar, value) => sumSoFar + value, 0)
const lessOf = (a: unknown, b: unknown): boolean => (a as number) < (b as number)
const byLess = (a: unknown, b: unknown): number => Number(lessOf(b, a)) - Number(lessOf(a, b))

const orderedValues: readonly fc.Arbitrary<unknown>[] = [
  fc.double({ noNaN: true }),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
  fc.date({ noInvalidDate: true }),
]
const keys = fc.oneof(
  fc.constantFrom<unknown>(0, -0, 1, '1', 1n, true, Number.NaN, '', [1], ['1'], [1, 'a'], null),
  fc.string({ maxLength: 2 }),
  fc.constant(undefined),
)
const anything = fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 1 }))
const isPresent = (value: unknown): boolean => value !== null && value !== undefined
const identitiesOf = (values: readonly unknown[]): (string | number)[] =>
  values.filter(isPresent).map((value) => stateKey(value as Key))
const isSameKey = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(identitiesOf([a]), identitiesOf([b]))

interface Tried extends Subject {
  readonly values: fc.Arbitrary<unknown>
}

type Check = NonNullable<Subject['check']>

/** `near`: within what rounding does to as many values of that size. */
function near(model: (values: readonly unknown[]) => number, unit: number): Check {
  return (result, values) => {
    const wanted = model(values)
    if (Number.isNaN(wanted)) expect(result).toBe(Number.NaN)
    else expect(Math.abs((result as number) - wanted)).toBeLessThan(unit)
  }
}

function varianceOf(values: readonly unknown[], taken: number): number {
  const middle = total(values) / values.length
  return (
    (values as number[]).reduce((sumSoFar, value) => sumSoFar + (value - middle) ** 2, 0) /
    (values.length - taken)
  )
}

function topOf(values: readonly unknown[], k: number): unknown[] {
  const counts = new Map<string | number, number>()
  for (const identity of identitiesOf(values)) {
    counts.set(identity, (counts.get(identity) ?? 0) + 1)
  }
  return Array.from(counts, ([identity, n]) => ({
    value: keyOfState(identity),
    count: n,
    error: 0,
  }))
    .toSorted((a, b) => b.count - a.count || compareKeys(a.value, b.value))
    .slice(0, k)
}

interface Priced {
  readonly price: number | bigint | string
  readonly id: number
}
// Spread, as fast-check's records have no prototype.
const priced: fc.Arbitrary<Priced> = fc
  .record({
    price: fc.constantFrom<Priced['price']>(0, -0, 1, 1n, 2, '', 'a'),
    id: fc.integer({ min: 0, max: 2 }),
  })
  .map((value) => ({ ...value }))
const priceOf = (value: unknown): number => (value as Priced).price as number
const rankOf = (value: unknown): number => (typeof priceOf(value) === 'string' ? 1 : 0)
const byPrice = (a: unknown, b: unknown): number =>
  rankOf(a) - rankOf(b) || byLess(priceOf(a), priceOf(b))

interface Timed {
  readonly at: number
  readonly n: number
}
const timed: fc.Arbitrary<Timed> = fc
  .record({ at: fc.integer({ min: 0, max: 5000 }), n: readings })
  .map((value) => ({ ...value }))

/** The definition, from the newest. */
function weightedMean(values: readonly unknown[]): number {
  const newest = Math.max(...(values as Timed[]).map(({ at }) => at))
  const weights = (values as Timed[]).map(({ at }) => 2 ** ((at - newest) / 1000))
  const sums = (values as Timed[]).map(({ n }, i) => n * (weights[i] as number))
  return total(sums) / total(weights)
}

/** Whole numbers where sums are to be exact in whatever way they are merged. */
const subjects: Record<string, Tried> = {
  count: { aggregator: count(), values: anything, model: (values) => values.length },
  sum: { aggregator: sum(asNumber), values: whole, model: total },
  'sum of bigints': {
    aggregator: sum(itself as () => bigint),
    values: fc.bigInt(),
    model: (values) => (values as bigint[]).reduce((all, value) => all + value),
  },
  mean: {
    aggregator: mean(asNumber),
    values: whole,
    model: (values) => total(values) / values.length,
  },
  first: { aggregator: first(), values: anything, model: (values) => values[0] },
  last: { aggregator: last(), values: anything, model: (values) => values.at(-1) },
  collect: { aggregator: collect(), values: anything, model: (values) => [...values] },
  distinct: {
    aggregator: distinct(asKey),
    values: keys,
    model: (values) => new Set(identitiesOf(values)).size,
    isSame: isSameKey,
  },
  approxDistinct: {
    aggregator: approxDistinct(asKey),
    values: keys,
    model: (values) => new Set(identitiesOf(values)).size,
    isSame: isSameKey,
  },
  topK: {
    aggregator: topK(asKey, 3),
    values: keys,
    model: (values) => topOf(values, 3),
    isSame: isSameKey,
  },
  argMin: {
    aggregator: argMin(priceOf),
    values: priced,
    model: (values) => values.toSorted(byPrice)[0],
  },
  argMax: {
    aggregator: argMax(priceOf, (value) => value),
    values: priced,
    model: (values) => values.toSorted((a, b) => byPrice(b, a))[0],
  },
  variance: {
    aggregator: variance(asNumber),
    values: readings,
    model: itself,
    check: near((values) => varianceOf(values, 1), 1e-9),
  },
  stddev: {
    aggregator: stddev(asNumber, { population: true }),
    values: readings,
    model: itself,
    check: near((values) => Math.sqrt(varianceOf(values, 0)), 1e-5),
  },
  histogram: {
    aggregator: histogram(asNumber, [-1, 0, 0.5, 1e9]),
    values: fc.oneof(finiteNumbers, fc.constantFrom(-1, 0, -0, 0.5, 1e9)),
    model: (values) => {
      const bounds = [-Infinity, -1, 0, 0.5, 1e9, Infinity]
      return bounds.slice(1).map((to, i) => {
        const from = bounds[i] as number
        const inside = (values as number[]).filter((value) => value >= from && value < to)
        const open = (bound: number): number | null => (Number.isFinite(bound) ? bound : null)
        return { from: open(from), to: open(to), count: inside.length }
      })
    },
  },
  'quantile, narrow': {
    aggregator: quantile(asNumber, [0, 0.5, 1]),
    values: whole,
    model: itself,
    check: quantilesWithin(0.01, Number.POSITIVE_INFINITY),
  },
  // Few bins: 41 / ln 3 of them.
  'quantile, wide': {
    aggregator: quantile(asNumber, [0, 0.5, 1], { relativeError: 0.5 }),
    values: finiteNumbers,
    model: itself,
    check: quantilesWithin(0.5, Math.exp(39)),
  },
  'ewma by time': {
    aggregator: ewma((value: unknown) => (value as Timed).n, {
      halfLife: '1s',
      time: (value) => (value as Timed).at,
    }),
    values: timed,
    model: itself,
    check: near(weightedMean, 1e-9),
  },
  'ewma by record': {
    aggregator: ewma(asNumber, { alpha: 0.25 }),
    values: readings,
    model: (values) => (values as number[]).reduce((smooth, value) => smooth * 0.75 + value * 0.25),
  },
  'of the user': {
    aggregator: aggregator({
      init: (): readonly number[] => [],
      add: (list, value: unknown) => [...list, value as number],
      merge: (a, b) => [...a, ...b],
      retract: (list, value) => list.toSpliced(list.indexOf(value as number), 1),
      result: (list) => list.join(' '),
      state: {
        toState: (list) => list.join(' '),
        fromState: (text: string) => (text === '' ? [] : text.split(' ').map(Number)),
      },
    }),
    values: whole,
    model: (values) => values.join(' '),
  },
}
for (const [i, values] of orderedValues.entries()) {
  subjects[`min ${i}`] = {
    aggregator: min(asNumber),
    values,
    model: (all) => all.toSorted(byLess)[0],
  }
  subjects[`max ${i}`] = {
    aggregator: max(asNumber),
    values,
    model: (all) => all.toSorted((a, b) => byLess(b, a))[0],
  }
}

/** @param reach how much smaller than the largest a magnitude may be */
function quantilesWithin(error: number, reach: number): Check {
  return (result, values, ever) => {
    const inOrder = (values as number[]).toSorted((a, b) => a - b)
    const largest = Math.max(...(ever as number[]).map(Math.abs))
    ;[0, 0.5, 1].forEach((q, i) => {
      const wanted = inOrder[Math.floor(q * (inOrder.length - 1))] as number
      const given = (result as number[])[i] as number
      const isInReach = Math.abs(wanted) >= Math.max(largest / reach, 3e-308)
      const allowed = isInReach ? Math.abs(wanted) * (error + 1e-9) : (largest / reach) * 3
      expect(Math.abs(given - wanted)).toBeLessThanOrEqual(Math.max(allowed, 3e-308))
    })
  }
}

function check({ values, ...subject }: Tried, runs: number): void {
  fc.assert(
    fc.property(movesOf(subject, values), (moves) => play(subject, moves)),
    { numRuns: runs },
  )
}

function movesOf(
  { aggregator: { merge, retract } }: Subject,
  values: fc.Arbitrary<unknown>,
): fc.Arbitrary<Move[]> {
  const add = values.map((value): Change => ({ do: 'add', value }))
  const leave = fc.nat().map((pick): Change => ({ do: 'retract', pick }))
  const change: fc.Arbitrary<Change> = retract === null ? add : fc.oneof(add, leave)
  const undo = fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes): Move => ({ do: 'undo', changes }))
  const join = fc
    .array(values, { minLength: 1, maxLength: 3 })
    .map((spoiling): Move => ({ do: 'join', values: spoiling }))
  const move: fc.Arbitrary<Move> = fc.oneof(
    { weight: 8, arbitrary: add },
    { weight: retract === null ? 0 : 5, arbitrary: leave },
    { weight: 3, arbitrary: undo },
    { weight: 1, arbitrary: fc.constant<Move>({ do: 'restore' }) },
    { weight: merge === null ? 0 : 1, arbitrary: fc.constant<Move>({ do: 'split' }) },
    { weight: merge === null ? 0 : 1, arbitrary: join },
  )
  return fc.array(move, { maxLength: 50 })
}

describe('against a plain computation, with undo, restore, split and merge', () => {
  test.each(Object.entries(subjects))('%s', (_, subject) => {
    check(subject, 200)
  })
})

describe('the same over an accumulator that takes values back', () => {
  const able = Object.entries(subjects).filter(
    ([, subject]) => subject.aggregator.retracting !== null,
  )

  test.each(able)('%s', (name, subject) => {
    const { retracting } = subject.aggregator
    check({ ...subject, aggregator: retracting as AggregatorOf<unknown, unknown> }, 200)
    expect(subject.aggregator.retract).toBeNull()
    expect(retracting?.retract, name).not.toBeNull()
    expect(retracting?.retracting).toBeNull()
    expect(retracting?.kind).not.toBe(subject.aggregator.kind)
  })

  test('what merges and what takes values back is as documented', () => {
    const ability = Object.fromEntries(
      Object.entries(subjects).map(([name, { aggregator: tried }]) => {
        const able = [
          tried.merge === null ? '-' : 'm',
          tried.retract === null ? '' : 'r',
          tried.retracting === null ? '' : '+',
        ]
        return [name.replace(/ \d$/, ''), able.join('')]
      }),
    )
    expect(ability).toStrictEqual({
      count: 'mr',
      sum: 'm+',
      'sum of bigints': 'm+',
      mean: 'm+',
      first: 'm',
      last: 'm',
      collect: 'm+',
      distinct: 'm+',
      approxDistinct: 'm+',
      topK: 'm+',
      argMin: 'm+',
      argMax: 'm+',
      variance: 'm+',
      stddev: 'm+',
      histogram: 'mr',
      'quantile, narrow': 'mr',
      'quantile, wide': 'mr',
      'ewma by time': 'm',
      'ewma by record': '-',
      'of the user': 'mr',
      min: 'm+',
      max: 'm+',
    })
  })
})
