/** `variance` and `stddev`: how far numbers lie from their mean. */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, finite, needsFunction } from './aggregator-of.ts'
import { plus, plusAll, plusProduct, rounded } from './exact-sum.ts'
import type { ExactSum } from './exact-sum.ts'

export interface VarianceOptions {
  /**
   * The values are all there are, not a sample of more: divided by n instead of n − 1. Default:
   * false.
   */
  readonly population?: boolean
}

/**
 * The variance of numbers: the mean square of their distance from their mean, of a sample (by
 * n − 1) unless `population` is given. The sample variance of one value is NaN, the population
 * variance 0. A record whose number is NaN, infinite or none at all goes to the dead letters.
 *
 * Updated value by value (B. Welford 1962) and merged (T. Chan et al. 1979): no cancellation, also
 * where the values are large and close together. Over a table the sums of the values and of their
 * squares are kept without rounding, so that an outlier that leaves takes all of itself with it.
 * Numbers beyond ±1e150 have squares out of range: the variance is then infinite, and over a table
 * stays so. Distances below 1e-150 have squares that are rounded to 0 or nearly.
 * @param fn the number in the value
 * @example
 * from(readings).window(tumbling('1m')).aggregate({ spread: variance((r) => r.celsius) })
 */
export function variance<V>(
  fn: (value: V) => number,
  options: VarianceOptions = {},
): AggregatorOf<V, number> {
  return spread('variance', fn, options, itself)
}

/**
 * The standard deviation of numbers: the square root of `variance`, in the unit of the values. Of a
 * sample (by n − 1) unless `population` is given; of one value then NaN, else 0. What it refuses
 * and keeps is as with `variance`.
 * @param fn the number in the value
 * @example
 * from(readings).window(tumbling('1m')).aggregate({ sigma: stddev((r) => r.celsius) })
 */
export function stddev<V>(
  fn: (value: V) => number,
  options: VarianceOptions = {},
): AggregatorOf<V, number> {
  return spread('stddev', fn, options, Math.sqrt)
}

interface Moments {
  readonly count: number
  readonly mean: number
  /** Sum of the squared distances from the mean. */
  readonly squares: number
}

function spread<V>(
  kind: string,
  fn: (value: V) => number,
  { population = false }: VarianceOptions,
  finish: (variance: number) => number,
): AggregatorOf<V, number> {
  needsFunction(kind, fn)
  const taken = population ? 0 : 1
  const extract = (value: V): number => finite(kind, fn(value))
  return aggregatorOf<V, number, Moments, number>({
    kind,
    extract,
    init: () => ({ count: 0, mean: 0, squares: 0 }),
    add: ({ count: before, mean, squares }, value) => {
      const count = before + 1
      const distance = value - mean
      const next = mean + distance / count
      return { count, mean: next, squares: squares + distance * (value - next) }
    },
    merge: mergeMoments,
    retract: null,
    retracting: retractingSpread(kind, extract, taken, finish),
    result: ({ count, squares }) => finish(squares / (count - taken)),
    state: null,
  })
}

function mergeMoments(first: Moments, second: Moments): Moments {
  if (first.count === 0) return second
  if (second.count === 0) return first
  const count = first.count + second.count
  const distance = second.mean - first.mean
  const share = second.count / count
  return {
    count,
    mean: first.mean + distance * share,
    squares: first.squares + second.squares + distance * distance * first.count * share,
  }
}

interface ExactMoments {
  readonly count: number
  readonly sum: ExactSum
  readonly squares: ExactSum
}

function retractingSpread<V>(
  kind: string,
  extract: (value: V) => number,
  taken: number,
  finish: (variance: number) => number,
): AggregatorOf<V, number> {
  return aggregatorOf<V, number, ExactMoments, number>({
    kind: `retracting ${kind}`,
    extract,
    init: () => ({ count: 0, sum: [], squares: [] }),
    add: ({ count, sum, squares }, value) => ({
      count: count + 1,
      sum: plus(sum, value),
      squares: plusProduct(squares, value, value),
    }),
    merge: (first, second) => ({
      count: first.count + second.count,
      sum: plusAll(first.sum, second.sum),
      squares: plusAll(first.squares, second.squares),
    }),
    retract: ({ count, sum, squares }, value) => ({
      count: count - 1,
      sum: plus(sum, -value),
      squares: plusProduct(squares, -value, value),
    }),
    retracting: null,
    result: ({ count, sum, squares }) => {
      // Else squares below 1e-300 would leave a rest.
      if (count === 1) return taken === 1 ? Number.NaN : 0
      // n Σx² − (Σx)², exactly: what cancels, cancels before anything is rounded.
      let distances: ExactSum = []
      for (const part of squares) distances = plusProduct(distances, part, count)
      for (const a of sum) for (const b of sum) distances = plusProduct(distances, -a, b)
      const last = distances.at(-1) ?? 0
      const square = Number.isFinite(last) ? Math.max(0, rounded(distances)) : Infinity
      return finish(square / count / (count - taken))
    },
    state: null,
  })
}

const itself = (variance: number): number => variance
