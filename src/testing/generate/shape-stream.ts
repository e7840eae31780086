/**
 * What happens to streams on their way: records that overtake each other, come twice, come late, or
 * do not come for a while. Pure, and the same for the same seed.
 */
import { type Duration, durationMs } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import { type Random, seededRandom } from '../../core/random.ts'

export interface ShapeOptions<T> {
  /** A whole number; another one gives another stream. Default 1. */
  readonly seed?: number
  /**
   * Event time of an item, a Date or ms since 1970. Default: its `time`, which records of `inputOf`
   * and `streamOf` have.
   */
  readonly time?: (item: T) => Date | number
}

export interface ShareOptions<T> extends ShapeOptions<T> {
  /** Part of the items it happens to, 0 to 1. Default 0.1. */
  readonly share?: number
}

/**
 * The order in which a stream arrives where each item is on its way for up to `by`. No item comes
 * behind one whose event time is more than `by` later: with an `outOfOrder` of at least `by` none
 * is late.
 * @param stream with event times; its order counts only among equal times
 * @throws `invalid-argument` where an item has no time · `invalid-duration`
 * @example
 * const times = [{ time: 0 }, { time: 10 }, { time: 900 }]
 * disorder(times, '20ms', { seed: 4 }).at(-1) // => { time: 900 }
 */
export function disorder<T>(
  stream: readonly T[],
  by: Duration,
  options: ShapeOptions<T> = {},
): T[] {
  const random = seededRandom(options.seed ?? 1)
  const byMs = durationMs(by, 'by')
  const arrivals = timed(stream, options).map(({ item, timeMs }) => {
    return { item, atMs: timeMs + random.int(byMs + 1) }
  })
  return arrivals.toSorted((a, b) => a.atMs - b.atMs).map(({ item }) => item)
}

/**
 * Some items come twice, as from a sender who got no answer. The copy comes at once, or when event
 * time is up to `after` further: then it may be late.
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * duplicate(['a', 'b'], { share: 1 }) // => ['a', 'a', 'b', 'b']
 */
export function duplicate<T>(
  stream: readonly T[],
  options: ShareOptions<T> & { readonly after?: Duration } = {},
): T[] {
  const random = seededRandom(options.seed ?? 1)
  const afterMs = durationMs(options.after ?? '0ms', 'after')
  const chosen = choose(stream, random, options)
  // Without `after` items need no time.
  if (afterMs === 0) return stream.flatMap((item, i) => (chosen[i] === true ? [item, item] : item))
  const moved = timed(stream, options).flatMap(({ item, timeMs }, i) =>
    chosen[i] === true ? { item, i, dueMs: timeMs + random.int(afterMs + 1) } : [],
  )
  return placed({ stream, kept: stream.map(() => true), moved, options })
}

/**
 * Some items come later than `by`: behind one whose event time is more than `by` later, so that
 * with an `outOfOrder` of `by` the watermark has passed them. Those near the end, behind which no
 * such item comes, stay where they are.
 * @param by how much later at least; up to twice of it
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const times = [{ time: 0 }, { time: 10 }, { time: 20 }]
 * late(times, '5ms', { share: 0.4, seed: 4 }).map(({ time }) => time) // => [10, 0, 20]
 */
export function late<T>(stream: readonly T[], by: Duration, options: ShareOptions<T> = {}): T[] {
  const random = seededRandom(options.seed ?? 1)
  const byMs = durationMs(by, 'by')
  const chosen = choose(stream, random, options)
  const all = timed(stream, options)
  // What moves cannot be what another one waits for.
  const lastMs = all.map(() => Number.NEGATIVE_INFINITY)
  for (let i = all.length - 2; i >= 0; i--) {
    const next = chosen[i + 1] === true ? Number.NEGATIVE_INFINITY : (all[i + 1]?.timeMs ?? 0)
    lastMs[i] = Math.max(next, lastMs[i + 1] as number)
  }
  const moves = all.map(({ timeMs }, i) => {
    return chosen[i] === true && (lastMs[i] as number) > timeMs + byMs
  })
  const moved = all.flatMap(({ item, timeMs }, i) => {
    if (moves[i] !== true) return []
    const dueMs = Math.min(timeMs + byMs + 1 + random.int(byMs + 1), lastMs[i] as number)
    return { item, i, dueMs }
  })
  return placed({ stream, kept: moves.map((isMoved) => !isMoved), moved, options })
}

/**
 * Silences: takes away the items of some stretches of event time.
 * @param length of each silence
 * @param options `count` of silences, default 1; they may touch
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const times = Array.from({ length: 100 }, (_, i) => ({ time: i }))
 * gaps(times, '30ms').length // => 70
 */
export function gaps<T>(
  stream: readonly T[],
  length: Duration,
  options: ShapeOptions<T> & { readonly count?: number } = {},
): T[] {
  const random = seededRandom(options.seed ?? 1)
  const lengthMs = durationMs(length, 'length')
  const all = timed(stream, options)
  const first = all.reduce((least, { timeMs }) => Math.min(least, timeMs), Infinity)
  const last = all.reduce((most, { timeMs }) => Math.max(most, timeMs), -Infinity)
  const room = Math.max(0, last - first - lengthMs)
  const starts = Array.from({ length: options.count ?? 1 }, () => first + random.int(room + 1))
  return all.flatMap(({ item, timeMs }) =>
    starts.some((start) => timeMs >= start && timeMs < start + lengthMs) ? [] : [item],
  )
}

interface Timed<T> {
  readonly item: T
  readonly timeMs: number
}

function timed<T>(stream: readonly T[], { time }: ShapeOptions<T>): Timed<T>[] {
  return stream.map((item, i) => {
    const given: unknown =
      time === undefined ? (item as { time?: unknown } | null)?.time : time(item)
    const timeMs = given instanceof Date ? given.getTime() : given
    if (typeof timeMs === 'number' && Number.isFinite(timeMs)) return { item, timeMs }
    throw new MillraceError('invalid-argument', `item ${i} of the stream has no event time`, {
      hint: 'give the option time: (item) => …',
    })
  })
}

function choose<T>(
  stream: readonly T[],
  random: Random,
  { share = 0.1 }: ShareOptions<T>,
): boolean[] {
  if (!(share >= 0 && share <= 1)) {
    throw new MillraceError('invalid-argument', `share cannot be ${share}`, {
      hint: 'write a number from 0 to 1',
    })
  }
  return stream.map(() => random.next() < share)
}

interface Moved<T> {
  readonly item: T
  /** Its place in the stream. */
  readonly i: number
  /** Comes behind the first item after it that is kept and has this event time, or a later one. */
  readonly dueMs: number
}

interface Placing<T> {
  readonly stream: readonly T[]
  readonly kept: readonly boolean[]
  readonly moved: readonly Moved<T>[]
  readonly options: ShapeOptions<T>
}

function placed<T>({ stream, kept, moved, options }: Placing<T>): T[] {
  const placedItems: T[] = []
  let waiting: readonly Moved<T>[] = []
  const byPlace = new Map(moved.map((one) => [one.i, one]))
  for (const [i, { item, timeMs }] of timed(stream, options).entries()) {
    const own = byPlace.get(i)
    if (own !== undefined) waiting = [...waiting, own]
    if (kept[i] !== true) continue
    placedItems.push(item)
    const isDue = ({ dueMs }: Moved<T>): boolean => dueMs <= timeMs
    placedItems.push(...waiting.filter(isDue).map((one) => one.item))
    waiting = waiting.filter((one) => !isDue(one))
  }
  return [...placedItems, ...waiting.map((one) => one.item)]
}
