/** `sum` and `mean`: of finite numbers, in double precision, added in the order of arrival. */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, finite, needsFunction } from './aggregator-of.ts'

/**
 * The sum of numbers, in double precision. A record whose number is NaN, infinite or none at all
 * goes to the dead letters.
 * @example
 * from(orders).keyBy((o) => o.country).aggregate({ revenue: sum((o) => o.amount) })
 */
export function sum<V>(fn: (value: V) => number): AggregatorOf<V, number> {
  needsFunction('sum', fn)
  return aggregatorOf<V, number, number, number>({
    kind: 'sum',
    extract: (value) => finite('sum', fn(value)),
    init: () => 0,
    add: (accumulator, extracted) => accumulator + extracted,
    merge: (first, second) => first + second,
    result: (accumulator) => accumulator,
    state: null,
  })
}

interface Mean {
  readonly sum: number
  readonly count: number
}

/**
 * The arithmetic mean of numbers: their sum in double precision by their count. A record whose
 * number is NaN, infinite or none at all goes to the dead letters.
 * @example
 * from(readings).window(tumbling('1m')).aggregate({ celsius: mean((r) => r.celsius) })
 */
export function mean<V>(fn: (value: V) => number): AggregatorOf<V, number> {
  needsFunction('mean', fn)
  return aggregatorOf<V, number, Mean, number>({
    kind: 'mean',
    extract: (value) => finite('mean', fn(value)),
    init: () => ({ sum: 0, count: 0 }),
    add: (accumulator, extracted) => ({
      sum: accumulator.sum + extracted,
      count: accumulator.count + 1,
    }),
    merge: (first, second) => ({ sum: first.sum + second.sum, count: first.count + second.count }),
    result: (accumulator) => accumulator.sum / accumulator.count,
    state: null,
  })
}
