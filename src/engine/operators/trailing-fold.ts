/**
 * `aggregate` and `reduce` over trailing windows: for each time t at which a key has records, all
 * its records with times in (t − size, t] (SQL's `RANGE BETWEEN … PRECEDING AND CURRENT ROW`).
 *
 * It is the same as windows [t − size + 1, t + 1) that slide by 1 ms, of which those give results
 * that end with a record: at t + 1, with event time t, in order of time, then key. Records of one
 * time share a result. A record changes the results of its time and of all behind it up to
 * t + size − 1; it is late when time has reached t + size + lateness.
 *
 * Stores: `<step>`: namespace = second, key → the key's moments in it; with lateness also
 * `<step>/revisions`: namespace = t, of results given again.
 */
import { assert } from '../../core/assert.ts'
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { TrailingWindow } from '../../pipeline/window-spec.ts'
import { KeyTimers } from '../key-timers.ts'
import type { Store } from '../state/store.ts'
import { TimeHeap } from '../time-heap.ts'
import { bucketMs, bucketOf, firstMomentNotBefore, momentsIn } from '../windows/trail.ts'
import type { Moment, Moments, Trail, TrailFold } from '../windows/trail.ts'
import { Trails } from '../windows/trails.ts'
import type { OpenWindow, TimedWindows, WindowClock } from '../windows/window-clock.ts'
import { noParts } from '../windows/window-results.ts'
import type { ResultPlace, WindowResults } from '../windows/window-results.ts'
import type { WindowStep } from '../windows/window-step.ts'
import type { Fold } from './fold.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { TaskContext } from './operator.ts'

export class TrailingFold implements TimedWindows {
  readonly #fold: Fold
  readonly #task: TaskContext
  readonly #step: string
  readonly #results: WindowResults
  readonly #clock: WindowClock
  readonly #reached: WindowClock['reached']
  readonly #sizeMs: number
  readonly #latenessMs: number
  readonly #store: Store
  readonly #revisions: Store | null
  readonly #trailFold: TrailFold
  readonly #trails: Trails = new Trails()
  /** Times that have a result to come. */
  readonly #timers = new KeyTimers()
  /** Buckets, and times with revisions, still to be forgotten. */
  readonly #buckets = new TimeHeap()
  readonly #revised = new TimeHeap()
  /** Keys with changes that no early result has told of; some may have none any more. */
  readonly #changed = new Map<string | number, Key>()

  constructor({ node, fold, results, clock, context }: WindowStep, { sizeMs }: TrailingWindow) {
    this.#fold = fold
    this.#task = context.task
    this.#step = context.step
    this.#results = results
    this.#clock = clock
    this.#reached = clock.reached
    this.#sizeMs = sizeMs
    this.#latenessMs = node.latenessMs
    this.#store = context.store(momentsState(fold))
    this.#revisions =
      node.latenessMs > 0
        ? context.store({ part: 'revisions', toState: same, fromState: same })
        : null
    this.#trailFold = { sizeMs, merge: (first, second) => fold.merge(first, second) }
  }

  take(value: unknown, key: Key | null, time: number): void {
    const task = this.#task
    task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const at = this.#clock.timeOf(time)
    const reachedMs = this.#reached.watermarkMs
    if (at + this.#sizeMs + this.#latenessMs <= reachedMs) {
      task.late(this.#step, { windowEndMs: at + this.#sizeMs, watermarkMs: reachedMs })
      return
    }
    const bucket = bucketOf(at)
    const space = this.#store.namespaces.get(bucket)
    const entry = space === undefined ? undefined : this.#store.find(space, key)
    const moments = entry === undefined ? noMoments : momentsIn(entry)
    const isEarly = this.#clock.early !== null
    const next = withValue(moments, at, { value, fold: this.#fold, isChanged: isEarly })
    let trail: Trail | undefined
    if (entry !== undefined) {
      this.#store.write(entry, next)
      trail = this.#trails.of(key)
    } else {
      if (space === undefined) this.#buckets.add(bucket)
      trail = this.#trails.add(this.#store.make(space ?? this.#store.namespace(bucket), key, next))
    }
    assert(trail !== undefined, () => `a key with records at ${at} is not known`)
    trail.changed(at)
    if (at >= reachedMs && next.length > moments.length) this.#timers.add(at, key)
    if (isEarly) this.#noteChange(key)
    // A result at t is given when time is past t.
    if (at < reachedMs || this.#results.givesUpdates) this.#giveNow(trail, at, reachedMs)
  }

  restored(): void {
    const reachedMs = this.#reached.watermarkMs
    for (const [bucket, { entries }] of this.#store.namespaces) {
      this.#buckets.add(bucket)
      for (const entry of entries.values()) {
        this.#trails.add(entry)
        for (const { timeMs, isChanged } of momentsIn(entry)) {
          if (timeMs >= reachedMs) this.#timers.add(timeMs, entry.key)
          if (isChanged) this.#noteChange(entry.key)
        }
      }
    }
    for (const timeMs of this.#revisions?.namespaces.keys() ?? []) this.#revised.add(timeMs)
  }

  advance(toMs: number): void {
    let lastMs = Number.NaN
    let lastKey: Key | null = null
    while (this.#timers.leastMs < toMs) {
      const timeMs = this.#timers.leastMs
      const key = this.#timers.leastKey
      this.#timers.take()
      // Twice where a record was undone and another came.
      if (timeMs === lastMs && lastKey !== null && compareKeys(key, lastKey) === 0) continue
      lastMs = timeMs
      lastKey = key
      const trail = this.#trails.of(key)
      if (trail?.has(timeMs) === true) this.#giveAtomic(trail, timeMs, 'final')
    }
    while (this.#goneMs() <= toMs) {
      const bucket = this.#buckets.take()
      this.#store.drop(bucket)
      this.#trails.drop(bucket)
    }
    while (this.#revised.least + 1 + this.#latenessMs <= toMs) {
      this.#revisions?.drop(this.#revised.take())
    }
  }

  dueMs(): number {
    return Math.min(
      this.#timers.leastMs + 1,
      this.#goneMs(),
      this.#revised.least + 1 + this.#latenessMs,
    )
  }

  flush(): void {
    const reachedMs = this.#reached.watermarkMs
    const due: { timeMs: number; trail: Trail }[] = []
    for (const key of this.#changed.values()) {
      const trail = this.#trails.of(key)
      if (trail === undefined) continue
      for (const timeMs of this.#changedWindows(trail, reachedMs)) due.push({ timeMs, trail })
      trail.forgetChanges(this.#store)
    }
    this.#changed.clear()
    due.sort((a, b) => a.timeMs - b.timeMs || compareKeys(a.trail.key, b.trail.key))
    for (const { timeMs, trail } of due) this.#giveAtomic(trail, timeMs, 'early')
  }

  open(): OpenWindow[] {
    const windows: OpenWindow[] = []
    for (const { entries } of this.#store.namespaces.values()) {
      for (const entry of entries.values()) {
        for (const { timeMs } of momentsIn(entry)) {
          if (timeMs < this.#reached.watermarkMs) continue
          windows.push({ key: entry.key, ...this.#placeOf(timeMs), dueMs: timeMs + 1 })
        }
      }
    }
    return windows
  }

  /** When the last record of the oldest bucket is of no more use. */
  #goneMs(): number {
    return this.#buckets.least + bucketMs - 1 + this.#sizeMs + this.#latenessMs
  }

  #noteChange(key: Key): void {
    this.#clock.early?.arm()
    this.#changed.set(stateKey(key), key)
  }

  /** Times of open windows that hold a change. */
  #changedWindows(trail: Trail, reachedMs: number): number[] {
    const times: number[] = []
    let lastChangeMs = Number.NEGATIVE_INFINITY
    for (const { timeMs, isChanged } of trail.moments(this.#buckets.least, never)) {
      if (isChanged) lastChangeMs = timeMs
      if (timeMs >= reachedMs && timeMs - this.#sizeMs < lastChangeMs) times.push(timeMs)
    }
    return times
  }

  /** The results that the record in hand gives at once. */
  #giveNow(trail: Trail, at: number, reachedMs: number): void {
    const { key } = trail
    const untilMs = this.#results.givesUpdates
      ? at + this.#sizeMs
      : Math.min(reachedMs, at + this.#sizeMs)
    // Closed windows: those whose end + lateness is still to come.
    const fromMs = Math.max(at, reachedMs - this.#latenessMs)
    const times = trail.moments(fromMs, untilMs).map(({ timeMs }) => timeMs)
    try {
      for (const timeMs of times) {
        const isClosed = timeMs < reachedMs
        const revision = isClosed ? this.#nextRevision(timeMs, key) : 0
        const pane = isClosed ? 'late' : 'early'
        const window = this.#results.window(this.#placeOf(timeMs), pane, revision)
        this.#results.give(key, trail.valueAt(timeMs, this.#trailFold), window, timeMs)
      }
    } finally {
      // The record may still be undone, by this step or another.
      trail.changed(at)
    }
  }

  #nextRevision(timeMs: number, key: Key): number {
    const revisions = this.#revisions
    if (revisions === null) return 0
    if (!revisions.namespaces.has(timeMs)) this.#revised.add(timeMs)
    const before = revisions.get(key, timeMs)
    const revision = (typeof before === 'number' ? before : 0) + 1
    revisions.set(key, revision, timeMs)
    return revision
  }

  #giveAtomic(trail: Trail, timeMs: number, pane: 'early' | 'final'): void {
    const { key } = trail
    const at = { window: this.#results.window(this.#placeOf(timeMs), pane, 0), timeMs }
    this.#task.running = this.#step
    let kept: unknown
    try {
      kept = trail.valueAt(timeMs, this.#trailFold)
    } catch (thrown) {
      this.#results.fail(key, thrown, at)
      return
    }
    this.#results.giveAtomic(key, kept, noParts, at)
  }

  #placeOf(timeMs: number): ResultPlace {
    return { startMs: timeMs - this.#sizeMs + 1, endMs: timeMs + 1, timeMs }
  }
}

const noMoments: Moments = []

function withValue(
  moments: Moments,
  timeMs: number,
  { value, fold, isChanged }: { value: unknown; fold: Fold; isChanged: boolean },
): Moments {
  const at = firstMomentNotBefore(moments, timeMs)
  const known = moments[at]
  const next = moments.slice()
  if (known?.timeMs === timeMs) {
    next[at] = { timeMs, kept: fold.add(known.kept, value), isChanged }
  } else next.splice(at, 0, { timeMs, kept: fold.first(value), isChanged })
  return next
}

type MomentState = readonly [number, unknown, boolean]

function momentsState(fold: Fold): {
  toState: (moments: unknown) => unknown
  fromState: (state: unknown) => unknown
} {
  return {
    toState: (moments) =>
      (moments as Moments).map(({ timeMs, kept, isChanged }) => [
        timeMs,
        fold.toState(kept),
        isChanged,
      ]),
    fromState: (state) =>
      (state as MomentState[]).map(([timeMs, kept, isChanged]): Moment => ({
        timeMs,
        kept: fold.fromState(kept),
        isChanged,
      })),
  }
}

const same = (value: unknown): unknown => value
