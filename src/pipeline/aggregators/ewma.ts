/** `ewma`: a mean in which what is recent counts more. */
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, finite, needsFunction, needsNumber, unfit } from './aggregator-of.ts'

/** Weights by time: merges. */
export interface EwmaByTime<V> {
  /** A record so much older than the newest weighs half as much. At least `'1ms'`. */
  readonly halfLife: Duration
  /** The record's time: ms since 1970, or a Date. */
  readonly time: (value: V) => number | Date
}

/** Weights by the order of arrival: does not merge. */
export interface EwmaByRecord {
  /** The share of the newest record: above 0, up to 1. */
  readonly alpha: number
}

/**
 * The exponentially weighted mean of numbers, in one of two forms.
 *
 * `{ halfLife, time }`: each record weighs 2^(−age / halfLife), its age being how much older it is
 * than the newest; the result is the weighted mean. It depends on the times of the records only:
 * one that comes late weighs as of its own time, whenever it comes, up to rounding. It merges.
 *
 * `{ alpha }`: the first record is the mean; each further one moves it to alpha · value +
 * (1 − alpha) · mean, in the order of arrival. It does not merge: no session windows and no windows
 * that overlap.
 *
 * Neither takes values back: a table that is regrouped refuses it. A record whose number or time is
 * NaN, infinite or none at all goes to the dead letters.
 *
 * Source of the first form: G. Cormode et al., "Forward decay", ICDE 2009.
 * @param fn the number in the value
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * from(readings).keyBy((r) => r.device).aggregate({
 *   level: ewma((r) => r.celsius, { halfLife: '5m', time: (r) => r.at }),
 *   smooth: ewma((r) => r.celsius, { alpha: 0.2 }),
 * })
 */
export function ewma<V>(
  fn: (value: V) => number,
  options: EwmaByTime<V> | EwmaByRecord,
): AggregatorOf<V, number> {
  needsFunction('ewma', fn)
  if (typeof options === 'object' && options !== null) {
    if ('halfLife' in options && !('alpha' in options)) return byTime(fn, options)
    if ('alpha' in options && !('halfLife' in options)) return byRecord(fn, options)
  }
  throw new MillraceError('invalid-argument', 'ewma takes either { halfLife, time } or { alpha }', {
    hint: "for instance ewma((r) => r.celsius, { halfLife: '5m', time: (r) => r.at })",
  })
}

interface Weighted {
  /** Of the newest record. */
  readonly timeMs: number
  /** Of all records, as of that time; the newest alone has 1. */
  readonly weight: number
  readonly mean: number
}

/** A record is an accumulator of its own: weight 1 at its time. */
function byTime<V>(
  fn: (value: V) => number,
  { halfLife, time }: EwmaByTime<V>,
): AggregatorOf<V, number> {
  if (typeof time !== 'function') {
    throw new MillraceError('invalid-argument', 'ewma takes the time of the value with halfLife', {
      hint: "for instance ewma((r) => r.celsius, { halfLife: '5m', time: (r) => r.at })",
    })
  }
  const halfLifeMs = durationMs(halfLife, 'halfLife')
  needsNumber('halfLife in ms', halfLifeMs, { min: 1, max: Number.MAX_SAFE_INTEGER })
  const join = (first: Weighted | null, second: Weighted | null): Weighted | null => {
    if (first === null || second === null) return first ?? second
    const isInOrder = second.timeMs >= first.timeMs
    const older = isInOrder ? first : second
    const newer = isInOrder ? second : first
    const decayed = older.weight * 2 ** ((older.timeMs - newer.timeMs) / halfLifeMs)
    const weight = newer.weight + decayed
    const share = decayed / weight
    const mean = newer.mean * (1 - share) + older.mean * share
    return { timeMs: newer.timeMs, weight, mean }
  }
  return aggregatorOf<V, number, Weighted | null, Weighted>({
    kind: `ewma of half-life ${halfLife}`,
    extract: (value) => ({
      mean: finite('ewma', fn(value)),
      timeMs: timeOf(time(value)),
      weight: 1,
    }),
    init: () => null,
    add: join,
    merge: join,
    retract: null,
    retracting: null,
    result: meanOf,
    state: null,
  })
}

function byRecord<V>(fn: (value: V) => number, { alpha }: EwmaByRecord): AggregatorOf<V, number> {
  needsNumber('alpha', alpha, { min: Number.MIN_VALUE, max: 1 })
  return aggregatorOf<V, number, number | null, number>({
    kind: `ewma of alpha ${alpha}`,
    extract: (value) => finite('ewma', fn(value)),
    init: () => null,
    add: (mean, value) => (mean === null ? value : mean * (1 - alpha) + value * alpha),
    merge: null,
    retract: null,
    retracting: null,
    // Never null: a result is asked for after a record only.
    result: (mean) => mean as number,
    state: null,
  })
}

function meanOf(kept: Weighted | null): number {
  return (kept as Weighted).mean // as above
}

function timeOf(given: number | Date): number {
  const timeMs = given instanceof Date ? given.getTime() : given
  if (Number.isFinite(timeMs)) return timeMs
  throw unfit('ewma', given instanceof Date ? timeMs : given, 'times in ms or valid Dates')
}
