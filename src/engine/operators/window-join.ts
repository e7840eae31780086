/**
 * `join` of two streams by window (Flink's window join): pairs of one key within one window of
 * event time, given when the watermark reaches its end, in order of window end, key, arrival of the
 * left, then of the right record; rows without a partner in that window likewise. Results have the
 * window's last ms as event time. A record that is in time for one of its windows counts there; it
 * is late when all of them are past.
 *
 * A row is kept once for all windows that hold it: windows are made of slices. Rows are numbered as
 * they arrive, so that those of several slices come in that order.
 *
 * Stores: `<step>/left`, `<step>/right` (and `-full`, see RowLists): namespace = start of the
 * slice, key → rows.
 */
import { assert } from '../../core/assert.ts'
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { stateKey } from '../../core/key.ts'
import { hasJoinWindows } from '../../pipeline/join-check.ts'
import type { WindowJoinSpec } from '../../pipeline/join-spec.ts'
import { FoundRows, RowLists } from '../state/row-lists.ts'
import { TimeHeap } from '../time-heap.ts'
import { LiveSlices, noSlice } from '../windows/live-slices.ts'
import type { LiveSlice } from '../windows/live-slices.ts'
import { slicingOf } from '../windows/slicing.ts'
import type { SlicedWindow, Slicing } from '../windows/slicing.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { Operator, Push, Stateful, StepContext, TaskContext } from './operator.ts'

export function windowJoinOperator(
  spec: WindowJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const join = new WindowJoin(spec, context, emit)
  return {
    push: (value, key, time) => join.take(join.left, value, key, time),
    second: (value, key, time) => join.take(join.right, value, key, time),
    stateful: join,
    asynchronous: null,
  }
}

const allRows = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }

class WindowJoin implements Stateful {
  readonly left: RowLists
  readonly right: RowLists
  readonly #task: TaskContext
  readonly #time: StepContext['time']
  readonly #step: string
  readonly #emit: Push
  readonly #type: WindowJoinSpec['type']
  readonly #slicing: Slicing
  readonly #live = new LiveSlices()
  /** Ends of windows still to be closed: of each live slice at least the next. */
  readonly #ends = new TimeHeap()
  readonly #scheduled = new Set<number>()
  /** The slice used last: most records fall into the same as the one before. */
  #slice: LiveSlice = noSlice
  /** Number of the record that came last; one that was undone leaves a gap. */
  #arrivals = 0
  readonly #leftRows = new FoundRows()
  readonly #rightRows = new FoundRows()

  constructor(spec: WindowJoinSpec, context: StepContext, emit: Push) {
    const { window } = spec
    assert(hasJoinWindows(window), () => `no join by ${window.kind} windows`)
    this.left = new RowLists(context, 'left')
    this.right = new RowLists(context, 'right')
    this.#task = context.task
    this.#time = context.time
    this.#step = context.step
    this.#emit = emit
    this.#type = spec.type
    this.#slicing = slicingOf(window as SlicedWindow)
  }

  take(side: RowLists, value: unknown, key: Key | null, time: number): void {
    this.#task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const { watermarkMs } = this.#time
    const slice = this.#sliceAt(time)
    // A window is complete when the watermark is at its end, not after it.
    if (slice.lastEndMs <= watermarkMs) {
      this.#task.late(this.#step, { windowEndMs: slice.lastEndMs, watermarkMs })
      return
    }
    this.#open(slice)
    this.#arrivals += 1
    side.add(slice.startMs, key, value, this.#arrivals)
  }

  onRestored(): void {
    const found = this.#leftRows
    for (const side of [this.left, this.right]) {
      for (const startMs of side.namespaces.keys()) {
        this.#open({ ...this.#slicing.sliceAt(startMs), space: null })
        for (const key of side.keys(startMs)) {
          found.clear()
          side.find(startMs, key, allRows, 'all', found)
          this.#arrivals = Math.max(this.#arrivals, found.numbers[found.count - 1] ?? 0)
        }
      }
    }
    found.release()
  }

  onWatermark(watermarkMs: number): void {
    while (this.#ends.least <= watermarkMs) {
      const endMs = this.#ends.take()
      this.#scheduled.delete(endMs)
      this.#close(endMs)
    }
    for (;;) {
      const first = this.#live.all[0]
      if (first === undefined || first.lastEndMs > watermarkMs) return
      this.#live.shift()
      this.left.drop(first.startMs)
      this.right.drop(first.startMs)
    }
  }

  watermarkDueMs(): number {
    return this.#ends.least
  }

  onClock(): void {}

  clockDueMs(): number {
    return never
  }

  onStop(): void {}

  #sliceAt(time: number): LiveSlice {
    const last = this.#slice
    if (time >= last.startMs && time < last.endMs) return last
    this.#slice = this.#live.find(time) ?? { ...this.#slicing.sliceAt(time), space: null }
    return this.#slice
  }

  /** Sees to it that the windows of a slice will close. Harmless when it is open. */
  #open(slice: LiveSlice): void {
    if (this.#live.find(slice.startMs) !== undefined) return
    this.#live.add(slice)
    const { firstEndMs, lastEndMs } = slice
    const { everyMs } = this.#slicing
    const { watermarkMs } = this.#time
    if (firstEndMs > watermarkMs || everyMs === never) this.#schedule(firstEndMs)
    else {
      const past = Math.floor((watermarkMs - firstEndMs) / everyMs) + 1
      const nextMs = firstEndMs + past * everyMs
      if (nextMs <= lastEndMs) this.#schedule(nextMs)
    }
  }

  #schedule(endMs: number): void {
    if (this.#scheduled.has(endMs)) return
    this.#scheduled.add(endMs)
    this.#ends.add(endMs)
  }

  #close(endMs: number): void {
    const startMs = this.#slicing.startOf(endMs)
    const slices = this.#live.within(startMs, endMs)
    const keys = new Map<string | number, Key>()
    for (const slice of slices) {
      for (const side of [this.left, this.right]) {
        for (const key of side.keys(slice.startMs)) keys.set(stateKey(key), key)
      }
      if (slice.lastEndMs > endMs) this.#schedule(endMs + this.#slicing.everyMs)
    }
    const window = { start: startMs, end: endMs }
    for (const key of [...keys.values()].sort(compareKeys)) {
      collect(this.left, slices, key, this.#leftRows)
      collect(this.right, slices, key, this.#rightRows)
      this.#emitRows(window, key)
    }
    this.#leftRows.release()
    this.#rightRows.release()
  }

  #emitRows(window: { start: number; end: number }, key: Key): void {
    const { rows: lefts, count: leftCount } = this.#leftRows
    const { rows: rights, count: rightCount } = this.#rightRows
    const type = this.#type
    if (rightCount === 0) {
      if (type === 'inner' || type === 'right') return
      for (let i = 0; i < leftCount; i++) this.#give(window, key, lefts[i], null)
    } else if (leftCount === 0) {
      if (type === 'inner' || type === 'left') return
      for (let i = 0; i < rightCount; i++) this.#give(window, key, null, rights[i])
    } else {
      for (let i = 0; i < leftCount; i++) {
        for (let j = 0; j < rightCount; j++) this.#give(window, key, lefts[i], rights[j])
      }
    }
  }

  #give(window: { start: number; end: number }, key: Key, left: unknown, right: unknown): void {
    this.#task.running = this.#step
    this.#task.emitAtomic(this.#emit, { window: { ...window }, left, right }, key, window.end - 1)
  }
}

/** A key's rows of several slices, as they arrived. */
function collect(side: RowLists, slices: readonly LiveSlice[], key: Key, found: FoundRows): void {
  found.clear()
  for (const { startMs } of slices) side.find(startMs, key, allRows, 'all', found)
  found.sort()
}
