/**
 * `aggregate` and `reduce` over windows that are cut by time alone: tumbling, sliding, cumulative,
 * calendar (the Dataflow model, Akidau et al. 2015; emission as Flink's event-time trigger).
 *
 * A record changes its key's entry in one slice. A window [start, end) gives its results, in order
 * of key, when time reaches `end`, windows in order of their end: the entries of its slices, merged
 * in order of time. The result's event time is end − 1: the last instant that belongs to it. Until
 * time reaches end + lateness a further record gives a result again at once, with `revision`
 * 1, 2, … in its window. A record that is in time for one of its windows counts there; it is late
 * when all of them are past.
 *
 * Of windows that grow, slices that need not be told apart any more are put into the first one, so
 * that a close merges a few slices and not a day of them.
 *
 * Stores: `<step>`: namespace = start of the slice, key → kept value; with lateness also
 * `<step>/revisions`: namespace = end of the window; with early results `<step>/changed`: namespace
 * = start of the slice, the keys changed since the last of them.
 */
import { MillraceError } from '../../core/error.ts'
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { absent } from '../state/store.ts'
import type { Entry, Namespace, Store } from '../state/store.ts'
import { TimeHeap } from '../time-heap.ts'
import { gather } from '../windows/gather.ts'
import type { Gathered } from '../windows/gather.ts'
import { LiveSlices, noSlice } from '../windows/live-slices.ts'
import type { LiveSlice } from '../windows/live-slices.ts'
import { slicingOf } from '../windows/slicing.ts'
import type { SlicedWindow, Slicing } from '../windows/slicing.ts'
import type { OpenWindow, TimedWindows, WindowClock } from '../windows/window-clock.ts'
import { noParts } from '../windows/window-results.ts'
import type { ResultPlace, WindowResults } from '../windows/window-results.ts'
import type { WindowStep } from '../windows/window-step.ts'
import type { Fold } from './fold.ts'
import { missingKey } from './missing-key.ts'
import type { TaskContext } from './operator.ts'

export class SlicedFold implements TimedWindows {
  readonly #fold: Fold
  readonly #task: TaskContext
  readonly #step: string
  readonly #results: WindowResults
  readonly #clock: WindowClock
  readonly #isEvent: boolean
  readonly #reached: WindowClock['reached']
  readonly #slicing: Slicing
  readonly #latenessMs: number
  readonly #store: Store
  readonly #revisions: Store | null
  readonly #changed: Store | null
  readonly #live = new LiveSlices()
  /** Ends of windows still to be closed: of each live slice at least the next. */
  readonly #ends = new TimeHeap()
  readonly #scheduled = new Set<number>()
  /** When slices of growing windows are put together. */
  readonly #joins = new TimeHeap()
  /** Ends of windows with revisions. */
  readonly #revised = new TimeHeap()
  /** Keys of the window closed last, in order: the next one has about the same. */
  #order: readonly Gathered[] = []
  /** The slice used last: most records fall into the same as the one before. */
  #slice: LiveSlice = noSlice

  constructor({ node, fold, results, clock, context }: WindowStep, window: SlicedWindow) {
    this.#fold = fold
    this.#task = context.task
    this.#step = context.step
    this.#results = results
    this.#clock = clock
    this.#isEvent = clock.isEvent
    this.#reached = clock.reached
    this.#slicing = slicingOf(window)
    this.#latenessMs = node.latenessMs
    this.#store = context.store({ toState: fold.toState, fromState: fold.fromState })
    const plain = (part: string): Store => context.store({ part, toState: same, fromState: same })
    this.#revisions = node.latenessMs > 0 ? plain('revisions') : null
    this.#changed = clock.early === null ? null : plain('changed')
  }

  take(value: unknown, key: Key | null, time: number): void {
    const task = this.#task
    task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const at = this.#isEvent ? time : this.#clock.timeOf(time)
    let slice = this.#slice
    if (!(at >= slice.startMs && at < slice.endMs)) slice = this.#seek(at)
    const reachedMs = this.#reached.watermarkMs
    // A window is complete when time is at its end, not after it: [start, end) holds no record at
    // `end`.
    if (slice.lastEndMs + this.#latenessMs <= reachedMs) {
      task.late(this.#step, { windowEndMs: slice.lastEndMs, watermarkMs: reachedMs })
      return
    }
    const isPast = slice.firstEndMs <= reachedMs
    if (isPast && this.#slicing.grows) slice = this.#joinedInto(slice, reachedMs)
    const { space } = slice
    const entry = space === null ? undefined : this.#store.find(space, key)
    const isFirst = entry === undefined || entry.value === absent
    const kept = isFirst ? this.#fold.first(value) : this.#fold.add(entry.value, value)
    if (entry === undefined) this.#store.make(space ?? this.#open(slice, reachedMs), key, kept)
    else this.#store.write(entry, kept)
    if (isPast || this.#results.givesUpdates) this.#giveNow(slice, key)
    if (this.#changed !== null && slice.lastEndMs > reachedMs) this.#mark(slice, key)
  }

  restored(): void {
    for (const [startMs, space] of this.#store.namespaces) {
      this.#register({ ...this.#slicing.sliceAt(startMs), space }, this.#reached.watermarkMs)
    }
    for (const endMs of this.#revisions?.namespaces.keys() ?? []) this.#revised.add(endMs)
    if ((this.#changed?.namespaces.size ?? 0) > 0) this.#clock.early?.arm()
  }

  advance(toMs: number): void {
    while (this.#ends.least <= toMs) {
      const endMs = this.#ends.take()
      this.#scheduled.delete(endMs)
      this.#close(endMs)
      this.#joinUntil(endMs)
    }
    this.#joinUntil(toMs)
    for (;;) {
      const first = this.#live.all[0]
      if (first === undefined || first.lastEndMs + this.#latenessMs > toMs) break
      this.#live.shift()
      this.#drop(first)
    }
    while (this.#revised.least + this.#latenessMs <= toMs) {
      this.#revisions?.drop(this.#revised.take())
    }
  }

  dueMs(): number {
    const first = this.#live.all[0]
    if (first === undefined) return this.#revised.least + this.#latenessMs
    const dropMs = first.lastEndMs + this.#latenessMs
    // Revisions go with the first slice of their window, or after it.
    return Math.min(this.#ends.least, this.#joins.least, dropMs)
  }

  flush(): void {
    const changed = this.#changed
    if (changed === null) return
    const reachedMs = this.#reached.watermarkMs
    const windows = new Map<number, Map<string | number, Key>>()
    for (const [startMs, marks] of changed.namespaces) {
      const slice = this.#live.find(startMs)
      if (slice === undefined) continue
      const keys = [...marks.entries.values()].filter(isThere).map(({ key }) => key)
      for (const endMs of this.#endsAfter(slice, reachedMs)) {
        const known = windows.get(endMs) ?? new Map<string | number, Key>()
        for (const key of keys) known.set(stateKey(key), key)
        windows.set(endMs, known)
      }
    }
    for (const startMs of changed.namespaces.keys()) changed.drop(startMs)
    for (const [endMs, keys] of [...windows].toSorted(([a], [b]) => a - b)) {
      const place = this.#placeOf(endMs)
      const window = this.#results.window(place, 'early', 0)
      for (const key of [...keys.values()].toSorted(compareKeys)) {
        const [first, ...rest] = this.#partsOf(place, key)
        if (first !== undefined) {
          this.#results.giveAtomic(key, first.value, rest.map(valueOf), {
            window,
            timeMs: place.timeMs,
          })
        }
      }
    }
  }

  open(): OpenWindow[] {
    const windows = new Map<string, OpenWindow>()
    for (const slice of this.#live.all) {
      for (const { key } of [...(slice.space?.entries.values() ?? [])].filter(isThere)) {
        for (const endMs of this.#endsAfter(slice, this.#reached.watermarkMs)) {
          const { startMs } = this.#placeOf(endMs)
          windows.set(`${endMs} ${stateKey(key)}`, { key, startMs, endMs, dueMs: endMs })
        }
      }
    }
    return [...windows.values()]
  }

  #seek(timeMs: number): LiveSlice {
    const found = this.#live.find(timeMs)
    this.#slice = found ?? { ...this.#slicing.sliceAt(timeMs), space: null }
    return this.#slice
  }

  /** Where a slice was put that has its first window behind it. */
  #joinedInto(slice: LiveSlice, reachedMs: number): LiveSlice {
    if (slice.firstEndMs + this.#latenessMs > reachedMs) return slice
    return this.#seek(this.#slicing.startOf(slice.firstEndMs))
  }

  /** @param closedToMs ends of windows up to it are past */
  #open(slice: LiveSlice, closedToMs: number): Namespace {
    slice.space = this.#store.namespace(slice.startMs)
    this.#register(slice, closedToMs)
    return slice.space
  }

  #register(slice: LiveSlice, closedToMs: number): void {
    this.#live.add(slice)
    const [nextMs] = this.#endsAfter(slice, closedToMs)
    if (nextMs !== undefined) this.#schedule(nextMs)
    if (this.#slicing.grows) this.#joins.add(slice.firstEndMs + this.#latenessMs)
  }

  #schedule(endMs: number): void {
    if (this.#scheduled.has(endMs)) return
    this.#scheduled.add(endMs)
    this.#ends.add(endMs)
  }

  /** Ends of the windows that hold a slice and are not over at a time, in order. */
  *#endsAfter(slice: LiveSlice, timeMs: number): IterableIterator<number> {
    const { everyMs } = this.#slicing
    const { firstEndMs, lastEndMs } = slice
    const over = timeMs < firstEndMs ? 0 : Math.floor((timeMs - firstEndMs) / everyMs) + 1
    // Where a slice has one window `everyMs` is Infinity, and 0 × Infinity NaN.
    for (let n = over; n === 0 || firstEndMs + n * everyMs <= lastEndMs; n++) {
      yield n === 0 ? firstEndMs : firstEndMs + n * everyMs
    }
  }

  #placeOf(endMs: number): ResultPlace {
    return { startMs: this.#slicing.startOf(endMs), endMs, timeMs: endMs - 1 }
  }

  /** A key's entries in a window, in order of time. */
  #partsOf({ startMs, endMs }: ResultPlace, key: Key): Entry[] {
    const parts: Entry[] = []
    for (const { space } of this.#live.within(startMs, endMs)) {
      const entry = space === null ? undefined : this.#store.find(space, key)
      if (entry !== undefined && isThere(entry)) parts.push(entry)
    }
    return parts
  }

  /** The results that the record in hand gives at once: of closed windows, and of open ones. */
  #giveNow(slice: LiveSlice, key: Key): void {
    const reachedMs = this.#reached.watermarkMs
    for (const endMs of this.#endsAfter(slice, reachedMs - this.#latenessMs)) {
      const isClosed = endMs <= reachedMs
      if (!isClosed && !this.#results.givesUpdates) return
      const place = this.#placeOf(endMs)
      const revision = isClosed ? this.#nextRevision(key, endMs) : 0
      const window = this.#results.window(place, isClosed ? 'late' : 'early', revision)
      const [first, ...rest] = this.#partsOf(place, key)
      const kept = this.#results.merged(first?.value, rest.map(valueOf))
      this.#results.give(key, kept, window, place.timeMs)
    }
  }

  #nextRevision(key: Key, endMs: number): number {
    const revisions = this.#revisions
    if (revisions === null) return 0
    if (!revisions.namespaces.has(endMs)) this.#revised.add(endMs)
    const before = revisions.get(key, endMs)
    const revision = (typeof before === 'number' ? before : 0) + 1
    revisions.set(key, revision, endMs)
    return revision
  }

  #close(endMs: number): void {
    const place = this.#placeOf(endMs)
    const slices = this.#live.within(place.startMs, endMs)
    if (slices.some(({ lastEndMs }) => lastEndMs > endMs)) {
      this.#schedule(endMs + this.#slicing.everyMs)
    }
    const at = { window: this.#results.window(place, 'final', 0), timeMs: place.timeMs }
    const [only, second] = slices
    if (only !== undefined && second === undefined) {
      const entries = [...(only.space?.entries.values() ?? [])].filter(isThere)
      entries.sort(byKey)
      for (const { key, value } of entries) this.#results.giveAtomic(key, value, noParts, at)
      return
    }
    this.#task.running = this.#step
    this.#order = gather(slices, this.#order, this.#fold)
    for (const { key, value, thrown } of this.#order) {
      if (thrown === null) this.#results.giveAtomic(key, value, noParts, at)
      else this.#results.fail(key, thrown.reason, at)
    }
  }

  /** Puts slices whose first window needs them no more into the first slice of that window. */
  #joinUntil(toMs: number): void {
    while (this.#joins.least <= toMs) {
      const firstEndMs = this.#joins.take() - this.#latenessMs
      const slice = this.#live.find(firstEndMs - 1)
      const startMs = this.#slicing.startOf(firstEndMs)
      if (slice === undefined || slice.startMs === startMs) continue
      if (slice.lastEndMs + this.#latenessMs <= toMs) continue // it goes altogether
      const base = this.#live.find(startMs) ?? { ...this.#slicing.sliceAt(startMs), space: null }
      const space = base.space ?? this.#open(base, toMs)
      const joined = this.#joinedValues(space, slice)
      if (joined === null) continue
      for (const [{ key }, value] of joined) this.#put(space, key, value)
      for (const mark of this.#changed?.namespaces.get(slice.startMs)?.entries.values() ?? []) {
        if (isThere(mark)) this.#changed?.set(mark.key, 1, startMs)
      }
      this.#live.remove(slice)
      this.#drop(slice)
    }
  }

  /**
   * null: a user's function throws. Then the slice stays as it is, and it throws again where a
   * result needs it.
   */
  #joinedValues(space: Namespace, slice: LiveSlice): [Entry, unknown][] | null {
    this.#task.running = this.#step
    const joined: [Entry, unknown][] = []
    try {
      for (const entry of slice.space?.entries.values() ?? []) {
        if (!isThere(entry)) continue
        const before = this.#store.find(space, entry.key)
        const isNew = before === undefined || before.value === absent
        joined.push([entry, isNew ? entry.value : this.#fold.merge(before.value, entry.value)])
      }
    } catch (thrown) {
      if (thrown instanceof MillraceError && thrown.blame === 'engine') throw thrown
      return null
    }
    return joined
  }

  #put(space: Namespace, key: Key, value: unknown): void {
    const before = this.#store.find(space, key)
    if (before === undefined) this.#store.make(space, key, value)
    else this.#store.write(before, value)
  }

  #drop(slice: LiveSlice): void {
    if (this.#slice === slice) this.#slice = noSlice
    slice.space = null
    this.#store.drop(slice.startMs)
    this.#changed?.drop(slice.startMs)
  }

  #mark({ startMs }: LiveSlice, key: Key): void {
    this.#clock.early?.arm()
    if (this.#changed?.get(key, startMs) === undefined) this.#changed?.set(key, 1, startMs)
  }
}

const byKey = (a: { key: Key }, b: { key: Key }): number => compareKeys(a.key, b.key)
const isThere = ({ value }: Entry): boolean => value !== absent
const valueOf = ({ value }: Entry): unknown => value
const same = (value: unknown): unknown => value
