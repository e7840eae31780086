/** `quantile`: medians, percentiles and the like, from a sketch (dd-sketch.ts). */
import { MillraceError } from '../../core/error.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, finite, needsFunction, needsNumber, neverAdded } from './aggregator-of.ts'
import {
  LogBins,
  addTo,
  emptySketch,
  mergeSketches,
  quantileOf,
  sketchOf,
  sketchState,
  takeFrom,
} from './dd-sketch.ts'
import type { DDSketch, SketchState } from './dd-sketch.ts'

export interface QuantileOptions {
  /**
   * How far a result may be from the true value, as a share of that value: 0.001 to 0.5. Default:
   * 0.01. Half the error keeps twice the bins.
   */
  readonly relativeError?: number
}

/**
 * Quantiles of numbers: the value below which a share `q` of them lies. Of n values in order,
 * counted from 0, it is the one at ⌊q · (n − 1)⌋, within `relativeError` of it: for 0.01 a median
 * of 200 comes as 198 to 202. The minimum is at 0, the maximum at 1. The error is one of value, not
 * of rank: it holds for skewed data and far percentiles alike.
 *
 * Kept are counts of bins, 100 to 300 for most data and 2 · 2048 at most for an error of 0.01,
 * whatever the number of records. Two limits: magnitudes smaller than the largest of the same sign
 * by more than a factor of 6 · 10^17 come as one value, and such below 2.3e-308 as 0. A record
 * whose number is NaN, infinite or none at all goes to the dead letters. Results do not depend on
 * the order of arrival, unless the first limit was met; merging and taking back are exact.
 *
 * Source: C. Masson, J. Rim, H. Lee, "DDSketch", VLDB 2019.
 * @param fn the number in the value
 * @param q 0 to 1, or an array of these: the result is then an array in the same order
 * @throws `invalid-argument` for a `q` or a `relativeError` out of range
 * @example
 * from(requests).window(tumbling('1m')).aggregate({
 *   median: quantile((r) => r.ms, 0.5),
 *   tail: quantile((r) => r.ms, [0.9, 0.99, 0.999]),
 * })
 */
export function quantile<V>(
  fn: (value: V) => number,
  q: number,
  options?: QuantileOptions,
): AggregatorOf<V, number>
export function quantile<V>(
  fn: (value: V) => number,
  q: readonly number[],
  options?: QuantileOptions,
): AggregatorOf<V, number[]>
export function quantile<V>(
  fn: (value: V) => number,
  q: number | readonly number[],
  { relativeError = 0.01 }: QuantileOptions = {},
): AggregatorOf<V, number | number[]> {
  needsFunction('quantile', fn)
  needsNumber('relativeError', relativeError, { min: 0.001, max: 0.5 })
  const all = typeof q === 'number' ? q : checkedList(q)
  for (const share of typeof all === 'number' ? [all] : all) {
    needsNumber('a quantile', share, { min: 0, max: 1 })
  }
  const bins = new LogBins(relativeError)
  return aggregatorOf<V, number | number[], DDSketch, number>({
    kind: `quantile within ${relativeError}`,
    extract: (value) => finite('quantile', fn(value)),
    init: emptySketch,
    add: (sketch, value) => addTo(sketch, value, bins),
    merge: (first, second) => mergeSketches(first, second, bins),
    retract: (sketch, value) => {
      const rest = takeFrom(sketch, value, bins)
      if (rest === null) throw neverAdded('quantile')
      return rest
    },
    retracting: null,
    result: (sketch) =>
      typeof all === 'number'
        ? quantileOf(sketch, all, bins)
        : all.map((share) => quantileOf(sketch, share, bins)),
    state: {
      toState: sketchState,
      fromState: (state) => sketchOf(state as SketchState),
    },
  })
}

/** A copy: the array stays the user's. */
function checkedList(q: unknown): readonly number[] {
  if (Array.isArray(q) && q.length > 0) return [...(q as number[])]
  throw new MillraceError('invalid-argument', 'quantile takes a number or an array of numbers', {
    hint: 'for instance quantile((r) => r.ms, [0.5, 0.99])',
  })
}
