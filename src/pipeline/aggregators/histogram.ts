/** `histogram`: how many numbers fall into each of some buckets. */
import { MillraceError } from '../../core/error.ts'
import type { AggregatorOf } from '../aggregator.ts'
import {
  aggregatorOf,
  finite,
  needsFunction,
  needsNumber,
  neverAdded,
  otherSettings,
} from './aggregator-of.ts'
import { Version, bodyOf, withSlot } from './version.ts'
import type { Body } from './version.ts'

/** Buckets of one width: `steps` of them from `from` to `to`. */
export interface EvenBounds {
  readonly from: number
  readonly to: number
  /** 1 to 10,000. */
  readonly steps: number
}

/** Values from `from` (included) to `to` (not included); null: open on this side. */
export interface Bucket {
  readonly from: number | null
  readonly to: number | null
  readonly count: number
}

const bucketsMax = 10_000

class Counts implements Body<number, number> {
  readonly counts: number[]

  constructor(counts: number[]) {
    this.counts = counts
  }

  swap(at: number, count: number): number {
    const before = this.counts[at] as number
    this.counts[at] = count
    return before
  }
}

/**
 * How many numbers fall into each bucket. Bounds b₀ < b₁ < … < bₙ make n + 2 buckets: below b₀,
 * from each bound (included) to the next (not included), and from bₙ on. The result lists all of
 * them in that order, those with count 0, too; the first has `from: null`, the last `to: null`.
 * A record whose number is NaN, infinite or none at all goes to the dead letters. Exact; it merges,
 * and values can be taken back.
 * @param fn the number in the value
 * @param bounds 1 to 10,000 finite numbers, ascending, or `{ from, to, steps }` for even ones
 * @throws `invalid-argument` for bounds that are not ascending, finite or too many
 * @example
 * from(requests).window(tumbling('1m')).aggregate({
 *   durations: histogram((r) => r.ms, [10, 100, 1000]),
 *   hours: histogram((r) => r.hour, { from: 0, to: 24, steps: 24 }),
 * })
 */
export function histogram<V>(
  fn: (value: V) => number,
  bounds: readonly number[] | EvenBounds,
): AggregatorOf<V, Bucket[]> {
  needsFunction('histogram', fn)
  const all = checkedBounds(bounds)
  const length = all.length + 1
  type Accumulator = Version<Counts, number, number>
  return aggregatorOf<V, Bucket[], Accumulator, number>({
    kind: `histogram of ${boundsText(all)}`,
    extract: (value) => bucketOf(all, finite('histogram', fn(value))),
    init: () => new Version(new Counts(Array.from({ length }, () => 0))),
    add: (version, at) => withSlot(version, at, (bodyOf(version).counts[at] as number) + 1),
    merge: (first, second) => {
      const [{ counts }, { counts: more }] = [bodyOf(first), bodyOf(second)]
      return new Version(new Counts(counts.map((count, at) => count + (more[at] as number))))
    },
    retract: (version, at) => {
      const count = bodyOf(version).counts[at] as number
      if (count === 0) throw neverAdded('histogram')
      return withSlot(version, at, count - 1)
    },
    retracting: null,
    result: (version) =>
      bodyOf(version).counts.map((count, at) => ({
        from: all[at - 1] ?? null,
        to: all[at] ?? null,
        count,
      })),
    state: {
      toState: (version) => [...bodyOf(version).counts],
      fromState: (state) => {
        const counts = state as number[]
        if (counts.length === length) return new Version(new Counts(counts))
        throw otherSettings('histogram', `${counts.length} buckets, not ${length}`)
      },
    },
  })
}

/** How many bounds are at or below the value. */
function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((bounds[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  return low
}

function checkedBounds(given: readonly number[] | EvenBounds): readonly number[] {
  const bounds = Array.isArray(given) ? [...(given as number[])] : evenBounds(given as EvenBounds)
  if (bounds.length < 1 || bounds.length > bucketsMax) {
    throw refuse(`1 to ${bucketsMax} bounds, not ${bounds.length}`)
  }
  bounds.forEach((bound, i) => {
    if (!Number.isFinite(bound)) throw refuse(`finite bounds, not ${String(bound)}`)
    const before = bounds[i - 1] ?? Number.NEGATIVE_INFINITY
    if (bound <= before) throw refuse(`ascending bounds, not ${bound} after ${before}`)
  })
  return bounds
}

function evenBounds(given: EvenBounds | undefined): number[] {
  const { from, to, steps } = given ?? ({} as Partial<EvenBounds>)
  if (typeof from !== 'number' || typeof to !== 'number') {
    throw refuse('an array of bounds or { from, to, steps }')
  }
  needsNumber('steps', steps, { min: 1, max: bucketsMax - 1, isWhole: true })
  const count = steps as number
  const at = (i: number): number => (i === count ? to : from + ((to - from) * i) / count)
  return Array.from({ length: count + 1 }, (_, i) => at(i))
}

/** Whole where short: a restart with other bounds is then refused. */
function boundsText(bounds: readonly number[]): string {
  if (bounds.length <= 8) return bounds.join(' ')
  return `${bounds.length} bounds from ${bounds[0]} to ${bounds.at(-1)}`
}

function refuse(rule: string): MillraceError {
  return new MillraceError('invalid-argument', `histogram takes ${rule}`, {
    hint: 'for instance histogram((r) => r.ms, [10, 100, 1000])',
  })
}
