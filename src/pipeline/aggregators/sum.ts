/** `sum` and `mean`: of finite numbers, in double precision, added in the order of arrival. */
import { MillraceError } from '../../core/error.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, finite, needsFunction } from './aggregator-of.ts'
import { plus, plusAll, rounded } from './exact-sum.ts'
import type { ExactSum } from './exact-sum.ts'

/**
 * The sum of numbers, in double precision, or of bigints, exactly. A record whose number is NaN,
 * infinite or none at all goes to the dead letters, and so does a bigint where there are numbers
 * already, or the other way round.
 *
 * Over a table numbers are added without rounding, so that what leaves takes all of itself with it:
 * 1e16 + 1 − 1e16 is 1. The result is the sum of what is there, rounded once. Beyond the range of
 * doubles (1.8e308) a sum is infinite, and stays so.
 * @param fn the number in the value
 * @example
 * from(orders).keyBy((o) => o.country).aggregate({ revenue: sum((o) => o.amount) })
 */
export function sum<V>(fn: (value: V) => number): AggregatorOf<V, number>
export function sum<V>(fn: (value: V) => bigint): AggregatorOf<V, bigint>
export function sum<V>(fn: (value: V) => number | bigint): AggregatorOf<V, number | bigint> {
  needsFunction('sum', fn)
  const extract = (value: V): number | bigint => {
    const given = fn(value)
    return typeof given === 'bigint' ? given : finite('sum', given)
  }
  return aggregatorOf<V, number | bigint, number | bigint, number | bigint>({
    kind: 'sum',
    extract,
    init: () => 0,
    add: total,
    merge: total,
    retract: null,
    retracting: retractingSum(extract),
    result: (accumulator) => accumulator,
    state: null,
  })
}

function total(accumulator: number | bigint, value: number | bigint): number | bigint {
  if (typeof accumulator === 'number' && typeof value === 'number') return accumulator + value
  if (typeof accumulator === 'bigint' && typeof value === 'bigint') return accumulator + value
  // No record yet, or only zeros.
  if (accumulator === 0) return value
  if (value === 0) return accumulator
  throw mixed()
}

function retractingSum<V>(
  extract: (value: V) => number | bigint,
): AggregatorOf<V, number | bigint> {
  type Sum = ExactSum | bigint
  const isNothing = (sum: Sum): boolean => typeof sum !== 'bigint' && sum.length === 0
  const add = (sum: Sum, value: number | bigint): Sum => {
    if (typeof value === 'number' && typeof sum !== 'bigint') return plus(sum, value)
    if (typeof value === 'bigint' && typeof sum === 'bigint') return sum + value
    if (value === 0) return sum
    if (typeof value === 'bigint' && isNothing(sum)) return value
    if (typeof value === 'number' && sum === 0n) return [value]
    throw mixed()
  }
  return aggregatorOf<V, number | bigint, Sum, number | bigint>({
    kind: 'retracting sum',
    extract,
    init: () => [],
    add,
    merge: (first, second) => {
      if (isNothing(first)) return second
      if (typeof second === 'bigint') return add(first, second)
      if (typeof first === 'bigint' && second.length > 0) throw mixed()
      return typeof first === 'bigint' ? first : plusAll(first, second)
    },
    retract: (sum, value) => add(sum, -value),
    retracting: null,
    result: (sum) => (typeof sum === 'bigint' ? sum : rounded(sum)),
    state: null,
  })
}

function mixed(): MillraceError {
  return new MillraceError('step-failed', 'sum takes numbers or bigints, not both', {
    hint: 'make the function give one of them: Number(n) or BigInt(n)',
  })
}

interface Mean<S> {
  readonly sum: S
  readonly count: number
}

/**
 * The arithmetic mean of numbers: their sum in double precision by their count. A record whose
 * number is NaN, infinite or none at all goes to the dead letters. Over a table the sum is without
 * rounding, as that of `sum`.
 * @param fn the number in the value
 * @example
 * from(readings).window(tumbling('1m')).aggregate({ celsius: mean((r) => r.celsius) })
 */
export function mean<V>(fn: (value: V) => number): AggregatorOf<V, number> {
  needsFunction('mean', fn)
  const extract = (value: V): number => finite('mean', fn(value))
  return aggregatorOf<V, number, Mean<number>, number>({
    kind: 'mean',
    extract,
    init: () => ({ sum: 0, count: 0 }),
    add: (accumulator, extracted) => ({
      sum: accumulator.sum + extracted,
      count: accumulator.count + 1,
    }),
    merge: (first, second) => ({ sum: first.sum + second.sum, count: first.count + second.count }),
    retract: null,
    retracting: retractingMean(extract),
    result: (accumulator) => accumulator.sum / accumulator.count,
    state: null,
  })
}

function retractingMean<V>(extract: (value: V) => number): AggregatorOf<V, number> {
  return aggregatorOf<V, number, Mean<ExactSum>, number>({
    kind: 'retracting mean',
    extract,
    init: () => ({ sum: [], count: 0 }),
    add: ({ sum, count }, value) => ({ sum: plus(sum, value), count: count + 1 }),
    merge: (first, second) => ({
      sum: plusAll(first.sum, second.sum),
      count: first.count + second.count,
    }),
    retract: ({ sum, count }, value) => ({ sum: plus(sum, -value), count: count - 1 }),
    retracting: null,
    result: ({ sum, count }) => rounded(sum) / count,
    state: null,
  })
}
