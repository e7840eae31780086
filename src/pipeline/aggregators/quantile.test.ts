import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../core/random.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { folded, resultOf, stored } from './aggregator.conformance.ts'
import { quantile } from './quantile.ts'

type Any = AggregatorOf<unknown, unknown>

const n = 20_000
const shares = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]

/** From uniform numbers in (0, 1]. */
const distributions: Record<string, (uniform: () => number) => number> = {
  uniform: (uniform) => uniform() * 1000,
  exponential: (uniform) => -Math.log(uniform()),
  'normal, both signs': (uniform) =>
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  'Pareto, a heavy tail': (uniform) => uniform() ** -2,
  'over 15 orders of magnitude': (uniform) => 10 ** (uniform() * 15 - 7),
  'two modes, far apart': (uniform) => (uniform() < 0.9 ? 2 + uniform() : 5000 + uniform()),
  'whole, many zeros': (uniform) => Math.max(0, Math.floor(uniform() * 100) - 40),
  'one value': () => -7.25,
}

function sample(distribution: (uniform: () => number) => number, seed: number): number[] {
  const random = seededRandom(seed)
  const uniform = (): number => 1 - random.next()
  return Array.from({ length: n }, () => distribution(uniform))
}

describe('within the stated error of the exact quantile', () => {
  for (const relativeError of [0.001, 0.01, 0.1]) {
    test.each(Object.entries(distributions))(`${relativeError}: %s`, (_, distribution) => {
      const values = sample(distribution, 7)
      const inOrder = Float64Array.from(values).sort()
      const given = resultOf(
        quantile((value) => value as number, shares, { relativeError }),
        values,
      )
      shares.forEach((q, i) => {
        const exact = inOrder[Math.floor(q * (n - 1))] as number
        const error = Math.abs(((given as number[])[i] as number) - exact)
        expect(error).toBeLessThanOrEqual(Math.abs(exact) * (relativeError + 1e-12))
      })
    })
  }
})

describe('edges', () => {
  const both = quantile((value) => value as number, [0, 1]) as Any

  test.each([
    ['the largest double', Number.MAX_VALUE],
    ['the least normal double', 2.3e-308],
    ['one', 1],
    ['a negative one', -12_345.678],
  ])('%s', (_, value) => {
    const [least, greatest] = resultOf(both, [value]) as [number, number]
    expect(least).toBe(greatest)
    expect(Math.abs(least - value)).toBeLessThanOrEqual(Math.abs(value) * (0.01 + 1e-12))
  })

  test('zeros, and what is nearly zero, are 0', () => {
    expect(resultOf(both, [0, -0, 5e-324, -1e-310])).toStrictEqual([0, 0])
  })

  test('negative, zero and positive values are in order', () => {
    const five = quantile((value) => value as number, [0, 0.25, 0.5, 0.75, 1]) as Any
    const given = resultOf(five, [10, -10, 0, 1000, -1000]) as number[]
    expect(given.map((value) => Math.round(value / 10) * 10)).toStrictEqual([
      -1000, -10, 0, 10, 1000,
    ])
  })

  test('a quantile alone is a number', () => {
    const median = resultOf(
      quantile((value) => value as number, 0.5) as Any,
      [8, 200, 1e6],
    ) as number
    expect(Math.abs(median - 200)).toBeLessThanOrEqual(2)
  })
})

describe('bounded', () => {
  const subject = quantile((value) => value as number, [0, 0.5, 1]) as Any
  const rowsOf = (kept: unknown): { positive: number[]; negative: number[] } => {
    const state = subject.state?.toState(kept)
    const [, positive = [], negative = []] = state as number[][]
    return { positive, negative }
  }
  const wide = Array.from({ length: 600 }, (_, i) => 10 ** (i - 299))

  test('the least magnitudes are counted as one where they span more than 6e17', () => {
    const kept = folded(subject, [...wide, ...wide.map((value) => -value)])
    const { positive, negative } = rowsOf(kept)
    // Floor, then two numbers a bin: a decade has one value.
    expect(positive.length).toBeLessThan(2 * 20)
    expect(negative.length).toBe(positive.length)
    const [least, , greatest] = subject.result(kept) as number[]
    expect(Math.abs((least as number) / -1e300 - 1)).toBeLessThan(0.01)
    expect(Math.abs((greatest as number) / 1e300 - 1)).toBeLessThan(0.01)
  })

  test('what was folded can be taken back, before and after a restore', () => {
    let kept = folded(subject, [...wide, 3])
    kept = stored(subject, kept)
    for (const value of wide) kept = subject.retract?.(kept, subject.extract(value))
    // It lay below the floor: its magnitude is lost, not its count.
    expect((subject.result(kept) as number[])[1]).toBeGreaterThan(1e300 / 1e18)
    expect((subject.result(kept) as number[])[1]).toBeLessThan(1e300 / 1e17)
  })

  test('folding leaves the sketch before it as it was', () => {
    const before = folded(subject, [1, 2, 3])
    const given = subject.result(before)
    folded(subject, wide, before)
    expect(subject.result(before)).toStrictEqual(given)
  })

  test('merging folds as adding does', () => {
    const [low, high] = [folded(subject, [1e-200, 1]), folded(subject, [1e200, 1e201])]
    const merged = subject.merge?.(low, high)
    expect(subject.state?.toState(merged)).toStrictEqual(
      subject.state?.toState(folded(subject, [1e-200, 1, 1e200, 1e201])),
    )
  })

  test('few bins for common data', () => {
    const values = sample(distributions['exponential'] as () => number, 3)
    expect(rowsOf(folded(subject, values)).positive.length / 2).toBeLessThan(800)
  })
})
