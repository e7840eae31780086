import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyOfState } from '../../core/key.ts'
import { seededRandom } from '../../core/random.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { folded, resultOf } from './aggregator.conformance.ts'
import {
  addValue,
  countersOf,
  frequentState,
  frequentValuesOf,
  mergeValues,
  noValues,
} from './frequent-values.ts'
import type { FrequentValues } from './frequent-values.ts'
import { topK } from './top-k.ts'
import type { TopValue } from './top-k.ts'

type Any = AggregatorOf<unknown, unknown>

const kept = 3

function checkBounds(values: FrequentValues, given: readonly number[]): void {
  const trueCounts = new Map<number, number>()
  for (const value of given) trueCounts.set(value, (trueCounts.get(value) ?? 0) + 1)
  const counters = countersOf(values)
  const [floor] = frequentState(values)
  expect(floor).toBeLessThanOrEqual(given.length / (kept + 1))
  expect(counters.length).toBeLessThanOrEqual(2 * kept)
  for (const { key, count, error } of counters) {
    const isTrue = trueCounts.get(key as number) ?? 0
    expect(count).toBeGreaterThanOrEqual(isTrue)
    expect(count - error).toBeLessThanOrEqual(isTrue)
    expect(error).toBeLessThanOrEqual(floor)
    trueCounts.delete(key as number)
  }
  for (const count of trueCounts.values()) expect(count).toBeLessThanOrEqual(floor)
}

describe('counters', () => {
  test('no count is off by more than its error, none of the frequent is missing', () => {
    const skewed = fc.oneof(fc.nat({ max: 2 }), fc.nat({ max: 30 }))
    const part = fc.array(skewed, { maxLength: 60 })
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const summaries = parts.map((values) => {
          let summary = noValues()
          values.forEach((value, i) => {
            const next = addValue(summary, value, kept)
            // Undone, and done again.
            const others = addValue(addValue(next, 100 + i, kept), 200 + i, kept)
            checkBounds(others, [...values.slice(0, i + 1), 100 + i, 200 + i])
            checkBounds(summary, values.slice(0, i))
            summary = addValue(summary, value, kept)
            expect(new Set(countersOf(summary))).toStrictEqual(new Set(countersOf(next)))
          })
          checkBounds(summary, values)
          return frequentValuesOf(frequentState(summary))
        })
        const merged = summaries.reduce((a, b) => mergeValues(a, b, kept))
        checkBounds(merged, parts.flat())
        parts.forEach((values, i) => checkBounds(summaries[i] as FrequentValues, values))
      }),
      { numRuns: 300 },
    )
  })
})

test('what is evicted is no more than has to be', () => {
  let summary = noValues()
  const values = [0, 1, 2].flatMap((value) => Array.from({ length: 9 }, () => value))
  for (const value of [...values, 3, 4, 5, 6]) summary = addValue(summary, value, kept)
  expect(frequentState(summary)).toStrictEqual([1, 0, 9, 0, 1, 9, 0, 2, 9, 0])
})

describe('topK', () => {
  test('the frequent of a long tail, in their order', () => {
    const random = seededRandom(11)
    const n = 100_000
    // Value i comes in proportion to 1 / i; 50,000 different ones.
    const values = Array.from({ length: n }, () => Math.floor(50_000 ** random.next()))
    const counts = new Map<number, number>()
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
    const exact = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, 10)
    const given = resultOf(topK((value) => value as number, 10) as Any, values)
    const top = given as TopValue<number>[]
    expect(top.map(({ value }) => value)).toStrictEqual(exact.map(([value]) => value))
    top.forEach(({ count, error }, i) => {
      const isTrue = exact[i]?.[1] as number
      expect(error).toBeLessThanOrEqual(n / 501)
      expect(count).toBeGreaterThanOrEqual(isTrue)
      expect(count - error).toBeLessThanOrEqual(isTrue)
    })
  })

  test('equal counts in the order of keys; null is not counted', () => {
    const values = ['b', 10, 'a', 9n, null, true, undefined, 'B', 10]
    const top = resultOf(topK((value) => value as string, 5) as Any, values) as TopValue<unknown>[]
    expect(top.map(({ value, count }) => [value, count])).toStrictEqual([
      [10, 2],
      [true, 1],
      [9n, 1],
      ['B', 1],
      ['a', 1],
    ])
    expect(resultOf(topK(() => null, 5) as Any, [1])).toStrictEqual([])
  })

  test('arrays and strange strings come back as they were', () => {
    const values = [['a', 1n], '', '\0s', Number.NaN]
    const top = resultOf(topK((value) => value as string, 9) as Any, values) as TopValue<unknown>[]
    expect(top.map(({ value }) => value)).toStrictEqual([Number.NaN, '', '\0s', ['a', 1n]])
    expect(keyOfState('\0n')).toBe(Number.NaN)
  })

  test('over a table all counts are exact, however many values', () => {
    const subject = topK((value) => value as number, 2).retracting as Any
    const values = Array.from({ length: 3000 }, (_, i) => i % 1500)
    let all = folded(subject, [...values, 7, 8, 8])
    expect(subject.result(all)).toStrictEqual([
      { value: 8, count: 4, error: 0 },
      { value: 7, count: 3, error: 0 },
    ])
    for (let i = 0; i < 4; i++) all = subject.retract?.(all, subject.extract(8))
    expect(subject.result(all)).toStrictEqual([
      { value: 7, count: 3, error: 0 },
      { value: 0, count: 2, error: 0 },
    ])
  })
})
