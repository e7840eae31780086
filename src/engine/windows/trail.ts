/**
 * The values of one key in order of time, as a trailing window needs them: kept in buckets of a
 * second each, so that a commit packs what is near a change, and the oldest bucket goes as one.
 *
 * `valueAt(t)` folds the values in (t − size, t]. Time is cut into cells of the window's size: such
 * a window reaches over one cell's border at most. What lies before the border is folded from the
 * border back, once a cell, what lies behind it from the border on, once a value; so a result costs
 * one merge, however many values are in the window (van Herk 1992; Gil and Werman 1993). The order
 * of merging follows from the times alone: a restored run computes the same, to the last bit.
 */

import type { Key } from '../../core/key.ts'
import { absent } from '../state/store.ts'
import type { Entry, Store } from '../state/store.ts'

/** What a key has at one time. */
export interface Moment {
  readonly timeMs: number
  readonly kept: unknown
  /** Whether it has changed since the last early result. */
  readonly isChanged: boolean
}

/** Moments of one key in one bucket, in order of time. Never changed in place. */
export type Moments = readonly Moment[]

/** At most a moment for each ms: an entry stays small. */
export const bucketMs = 1000

export function bucketOf(timeMs: number): number {
  return Math.floor(timeMs / bucketMs) * bucketMs + 0 // −0 + 0 is 0
}

/** What its values are folded by. */
export interface TrailFold {
  readonly sizeMs: number
  merge(first: unknown, second: unknown): unknown
}

/** One key. Memory only: rebuilt from the store. */
export class Trail {
  readonly key: Key
  /**
   * Where its moments are, in order of time: an entry of the store for each bucket. One whose
   * record was undone holds none.
   */
  readonly #entries: Entry[] = []
  /** The border that what follows is folded from; NaN: nothing is. */
  #borderMs = Number.NaN
  /** Of the cell before the border: times, and what is folded from each of them to the border. */
  #backTimes: number[] = []
  #backKept: unknown[] = []
  /** Folded from the border on, up to and with `#frontMs`. */
  #front: unknown = nothing
  #frontMs = Number.NaN

  constructor(key: Key) {
    this.key = key
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** An entry is new. @returns whether it is the first of its bucket */
  add(entry: Entry): 'new-bucket' | 'known-bucket' {
    const at = this.#firstFrom(bucketIn(entry))
    const known = this.#entries[at]
    const isKnown = known !== undefined && bucketIn(known) === bucketIn(entry)
    this.#entries.splice(at, isKnown ? 1 : 0, entry)
    return isKnown ? 'known-bucket' : 'new-bucket'
  }

  dropBucket(bucket: number): void {
    const at = this.#firstFrom(bucket)
    const known = this.#entries[at]
    if (known !== undefined && bucketIn(known) === bucket) this.#entries.splice(at, 1)
  }

  /** Whether it has something at exactly that time. */
  has(timeMs: number): boolean {
    const bucket = bucketOf(timeMs)
    const entry = this.#entries[this.#firstFrom(bucket)]
    if (entry === undefined || bucketIn(entry) !== bucket) return false
    const moments = momentsIn(entry)
    return moments[firstMomentNotBefore(moments, timeMs)]?.timeMs === timeMs
  }

  /** Takes back that moments have changed. */
  forgetChanges(store: Store): void {
    for (const entry of this.#entries) {
      const moments = momentsIn(entry)
      if (!moments.some(({ isChanged }) => isChanged)) continue
      store.write(
        entry,
        moments.map((moment) => ({ ...moment, isChanged: false })),
      )
    }
  }

  /** What it has at a time has changed. */
  changed(timeMs: number): void {
    if (timeMs < this.#borderMs) this.#borderMs = Number.NaN
    else if (timeMs <= this.#frontMs) this.#forgetFront()
  }

  /** Its moments with times in [fromMs, untilMs), in order. */
  moments(fromMs: number, untilMs: number): Moment[] {
    const entries = this.#entries
    const found: Moment[] = []
    for (let at = this.#firstFrom(bucketOf(fromMs)); at < entries.length; at++) {
      const entry = entries[at] as Entry
      if (bucketIn(entry) >= untilMs) break
      const moments = momentsIn(entry)
      for (let i = firstMomentNotBefore(moments, fromMs); i < moments.length; i++) {
        const moment = moments[i] as Moment
        if (moment.timeMs >= untilMs) break
        found.push(moment)
      }
    }
    return found
  }

  /** All in (timeMs − size, timeMs], merged in order of time. There is a moment at that time. */
  valueAt(timeMs: number, fold: TrailFold): unknown {
    const { sizeMs } = fold
    const borderMs = Math.floor(timeMs / sizeMs) * sizeMs
    if (borderMs !== this.#borderMs) this.#setBorder(borderMs, fold)
    if (timeMs < this.#frontMs) this.#forgetFront()
    // Up to and with the time itself: whole ms.
    for (const moment of this.moments(this.#frontMs + 1, timeMs + 1)) {
      const front = this.#front
      this.#front = front === nothing ? moment.kept : fold.merge(front, moment.kept)
      this.#frontMs = moment.timeMs
    }
    const back = firstNotBefore(this.#backTimes, timeMs - sizeMs + 1)
    return back === this.#backTimes.length
      ? this.#front
      : fold.merge(this.#backKept[back], this.#front)
  }

  /** Where the first entry that is not of a bucket before stands. */
  #firstFrom(bucket: number): number {
    const entries = this.#entries
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (bucketIn(entries[middle] as Entry) < bucket) low = middle + 1
      else high = middle
    }
    return low
  }

  #forgetFront(): void {
    this.#front = nothing
    this.#frontMs = this.#borderMs - 1
  }

  #setBorder(borderMs: number, fold: TrailFold): void {
    this.#borderMs = Number.NaN // a merge may throw
    const moments = this.moments(borderMs - fold.sizeMs, borderMs)
    const kept: unknown[] = []
    let folded: unknown = nothing
    for (const moment of moments.toReversed()) {
      folded = folded === nothing ? moment.kept : fold.merge(moment.kept, folded)
      kept.push(folded)
    }
    this.#backTimes = moments.map(({ timeMs }) => timeMs)
    this.#backKept = kept.reverse()
    this.#borderMs = borderMs
    this.#forgetFront()
  }
}

const nothing: unique symbol = Symbol('nothing')
const noMoments: Moments = []

function bucketIn({ namespace }: Entry): number {
  return namespace.id
}

export function momentsIn({ value }: Entry): Moments {
  return value === absent ? noMoments : (value as Moments)
}

/** Where the first number that is not below stands. */
function firstNotBefore(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Where the first moment that is not before a time stands. */
export function firstMomentNotBefore(moments: Moments, timeMs: number): number {
  let low = 0
  let high = moments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((moments[middle] as Moment).timeMs < timeMs) low = middle + 1
    else high = middle
  }
  return low
}
