import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../core/error.ts'
import type { ErrorCode } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { folded, stored } from './aggregator.conformance.ts'
import { approxDistinct } from './approx-distinct.ts'
import { argMax, argMin } from './arg-extreme.ts'
import { collect } from './collect.ts'
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

type Any = AggregatorOf<unknown, unknown>

const itself = (value: unknown): unknown => value
const asNumber = itself as () => number
const asKey = itself as () => Key

function codeOf(run: () => unknown): ErrorCode | 'accepted' {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown.code
    throw thrown
  }
  return 'accepted'
}

describe('what cannot be aggregated is refused in extract', () => {
  const none = [Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined, {}]
  const noOrder = [Number.NaN, new Date(Number.NaN), null, undefined, {}, true, Symbol('s')]
  const byAggregator: [string, Any, readonly unknown[]][] = [
    ['sum', sum(asNumber), none],
    ['mean', mean(asNumber), [...none, 1n]],
    ['variance', variance(asNumber), [...none, 1n]],
    ['stddev', stddev(asNumber), [...none, 1n]],
    ['quantile', quantile(asNumber, 0.5), [...none, 1n]],
    ['histogram', histogram(asNumber, [0]), [...none, 1n]],
    ['ewma', ewma(asNumber, { alpha: 0.5 }), [...none, 1n]],
    ['ewma', ewma(asNumber, { halfLife: '1s', time: () => 0 }), [...none, 1n]],
    ['ewma', ewma(() => 0, { halfLife: '1s', time: asNumber }), [...none, new Date(Number.NaN)]],
    ['min', min(asNumber), noOrder],
    ['max', max(asNumber), noOrder],
    ['argMin', argMin(asNumber), noOrder],
    ['argMax', argMax(asNumber), noOrder],
  ]
  test.each(byAggregator)('%s', (kind, subject, values) => {
    for (const value of values) {
      for (const tried of [subject, subject.retracting ?? subject]) {
        expect(codeOf(() => tried.extract(value))).toBe('step-failed')
        expect(() => tried.extract(value)).toThrow(`${kind} takes`)
      }
    }
  })

  test('what is no key', () => {
    const keyed: Any[] = [distinct(asKey), approxDistinct(asKey), topK(asKey, 3)]
    for (const subject of keyed) {
      for (const tried of [subject, subject.retracting as Any]) {
        expect(() => tried.extract({})).toThrow('cannot be a key')
        expect(() => tried.extract(new Date(0))).toThrow('cannot be a key')
      }
    }
  })

  test('what the state store could not keep, where it is to be taken back', () => {
    const subject = collect().retracting as Any
    expect(codeOf(() => subject.extract(() => 5))).toBe('invalid-argument')
  })

  test('numbers and bigints in one sum', () => {
    const subject = sum(itself as () => bigint) as Any
    for (const tried of [subject, subject.retracting as Any]) {
      for (const values of [
        [1, 1n],
        [1n, 1],
      ]) {
        expect(codeOf(() => folded(tried, values))).toBe('step-failed')
        const [a, b] = values.map((value) => folded(tried, [value]))
        expect(codeOf(() => tried.merge?.(a, b))).toBe('step-failed')
      }
      expect(tried.result(folded(tried, [1n, 2n ** 70n]))).toBe(2n ** 70n + 1n)
    }
  })
})

describe('what was never added cannot be taken back', () => {
  const table: [string, Any, unknown][] = [
    ['min', min(asNumber), 5],
    ['max', max(asNumber), 5],
    ['distinct', distinct(asKey), 'b'],
    ['topK', topK(asKey, 1), 'b'],
    ['collect', collect(), { n: 2 }],
    ['argMin', argMin(() => 1), { n: 2 }],
    ['histogram', histogram(asNumber, [100]), 5],
    ['quantile', quantile(asNumber, 0.5), 5],
  ]
  test.each(table)('%s', (_, subject, other) => {
    const tried = subject.retract === null ? (subject.retracting as Any) : subject
    const one = typeof other === 'number' ? 1000 : 'a'
    const kept = folded(tried, [one])
    expect(codeOf(() => tried.retract?.(kept, tried.extract(other)))).toBe('step-failed')
    // It stays as it was.
    expect(tried.result(kept)).toStrictEqual(tried.result(folded(tried, [one])))
  })
})

describe('settings are checked at once', () => {
  test('an aggregator without its function', () => {
    const makes = [
      sum,
      mean,
      min,
      max,
      distinct,
      first,
      last,
      collect,
      variance,
      stddev,
      (fn: never) => quantile(fn, 0.5),
      (fn: never) => topK(fn, 3),
      approxDistinct,
      argMin,
      argMax,
      (fn: never) => argMin(() => 1, fn),
      (fn: never) => histogram(fn, [0]),
      (fn: never) => ewma(fn, { alpha: 0.5 }),
    ]
    for (const make of makes) {
      const call = make as (fn: unknown) => unknown
      expect(() => call(5)).toThrow('takes a function of the value')
      expect(codeOf(() => call(5))).toBe('invalid-argument')
    }
  })

  const wrong: [string, () => unknown][] = [
    ['a quantile above 1', () => quantile(asNumber, 1.01)],
    ['a quantile below 0', () => quantile(asNumber, -0.01)],
    ['one of several', () => quantile(asNumber, [0.5, Number.NaN])],
    ['no quantile', () => quantile(asNumber, [])],
    ['a text', () => quantile(asNumber, '0.5' as unknown as number)],
    ['no error', () => quantile(asNumber, 0.5, { relativeError: 0 })],
    ['an error above a half', () => quantile(asNumber, 0.5, { relativeError: 0.51 })],
    ['k of 0', () => topK(asKey, 0)],
    ['half a k', () => topK(asKey, 1.5)],
    ['k beyond the limit', () => topK(asKey, 10_001)],
    ['precision of 7', () => approxDistinct(asKey, { precision: 7 })],
    ['precision of 19', () => approxDistinct(asKey, { precision: 19 })],
    ['no bounds', () => histogram(asNumber, [])],
    ['no bounds at all', () => histogram(asNumber, undefined as unknown as number[])],
    ['equal bounds', () => histogram(asNumber, [1, 1])],
    ['descending bounds', () => histogram(asNumber, [2, 1])],
    ['NaN as a bound', () => histogram(asNumber, [Number.NaN])],
    ['no steps', () => histogram(asNumber, { from: 0, to: 1, steps: 0 })],
    ['too many steps', () => histogram(asNumber, { from: 0, to: 1, steps: 10_000 })],
    ['no width', () => histogram(asNumber, { from: 1, to: 1, steps: 2 })],
    ['alpha of 0', () => ewma(asNumber, { alpha: 0 })],
    ['alpha above 1', () => ewma(asNumber, { alpha: 1.1 })],
    ['neither form', () => ewma(asNumber, {} as unknown as { alpha: number })],
    ['both forms', () => ewma(asNumber, { alpha: 0.5, halfLife: '1s', time: () => 0 })],
    ['no time', () => ewma(asNumber, { halfLife: '1s' } as unknown as { alpha: number })],
    ['half-life of 0', () => ewma(asNumber, { halfLife: '0s', time: () => 0 })],
    ['nothing of its own', () => aggregator(undefined as never)],
    ['no init', () => aggregator({ add: itself } as never)],
    ['no add', () => aggregator({ init: itself } as never)],
    ['merge of text', () => aggregator({ init: itself, add: itself, merge: 'm' } as never)],
    ['kind of number', () => aggregator({ init: itself, add: itself, kind: 5 } as never)],
    ['half a state', () => aggregator({ init: itself, add: itself, state: {} } as never)],
  ]
  test.each(wrong)('%s', (_, make) => {
    expect(codeOf(make)).toBe('invalid-argument')
  })

  test('a half-life is a duration', () => {
    const make = (): unknown => ewma(asNumber, { halfLife: '5 s' as '5s', time: () => 0 })
    expect(codeOf(make)).toBe('invalid-duration')
  })

  test('state of other settings is not taken for one’s own', () => {
    const buckets = histogram(asNumber, [1, 2]) as Any
    const other = histogram(asNumber, [1, 2, 3]) as Any
    const counts = buckets.state?.toState(folded(buckets, [0]))
    expect(codeOf(() => other.state?.fromState(counts))).toBe('state-corrupt')
    const keys = Array.from({ length: 100 }, (_, i) => i)
    const narrow = approxDistinct(asKey, { precision: 8 }) as Any
    const wide = approxDistinct(asKey) as Any
    const registers = narrow.state?.toState(folded(narrow, keys))
    expect(codeOf(() => wide.state?.fromState(registers))).toBe('state-corrupt')
    const kept = folded(narrow, keys)
    expect(narrow.result(stored(narrow, kept))).toBe(narrow.result(kept))
  })
})
