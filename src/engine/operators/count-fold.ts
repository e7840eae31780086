/**
 * `aggregate` and `reduce` over the last n records of a key, in order of arrival (Flink's
 * countWindow). A result comes with every `every`th record. Where windows overlap, records are kept
 * in slices of the greatest common divisor of n and `every`, in a ring: a record changes one slice,
 * a result merges n / divisor of them. Nothing is late.
 *
 * Stores: `<step>`: namespace = place in the ring, key → slice; where windows overlap also
 * `<step>/seen`: key → how many records there were.
 */
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { recordsOfSlice } from '../../pipeline/count-window.ts'
import type { CountWindow } from '../../pipeline/window-spec.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { placeOf } from '../windows/extent.ts'
import type { Extent } from '../windows/extent.ts'
import type { TimedWindows, WindowClock } from '../windows/window-clock.ts'
import { noParts } from '../windows/window-results.ts'
import type { WindowResults } from '../windows/window-results.ts'
import type { WindowStep } from '../windows/window-step.ts'
import type { Fold } from './fold.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { StepContext } from './operator.ts'

/** Records that lie together. */
export interface Part extends Extent {
  readonly kept: unknown
  readonly records: number
  /** Whether it has changed since the last early result; of the open slice. */
  readonly isChanged: boolean
}

export class CountFold implements TimedWindows {
  readonly #fold: Fold
  readonly #context: StepContext
  readonly #results: WindowResults
  readonly #clock: WindowClock
  readonly #every: number
  readonly #sliceRecords: number
  /** Slices of a window. */
  readonly #ring: number
  readonly #parts: Store
  /** null: the open slice says it. */
  readonly #seen: Store | null
  /** Keys with changes that no early result has told of; some may have none any more. */
  readonly #changed = new Map<string | number, Key>()

  constructor({ fold, results, clock, context }: WindowStep, window: CountWindow) {
    this.#fold = fold
    this.#context = context
    this.#results = results
    this.#clock = clock
    this.#every = window.every
    this.#sliceRecords = recordsOfSlice(window)
    this.#ring = window.size / this.#sliceRecords
    this.#parts = context.store(partState(fold))
    this.#seen =
      this.#ring === 1 ? null : context.store({ part: 'seen', toState: same, fromState: same })
  }

  take(value: unknown, key: Key | null, time: number): void {
    const { task, step } = this.#context
    task.running = step
    if (key === null) throw missingKey(step)
    const before = this.#seen === null ? 0 : this.#seenOf(key)
    const space = this.#parts.namespace(this.#placeOf(before))
    const entry = this.#parts.find(space, key)
    const isNew = entry === undefined || entry.value === absent || this.#begins(before)
    const open = isNew ? null : (entry.value as Part)
    const seen = this.#seen === null ? (open?.records ?? 0) + 1 : before + 1
    const isDue = seen % this.#every === 0
    const isChanged = this.#clock.early !== null && !isDue
    const part = this.#with(open, { value, time, isChanged })
    if (this.#seen !== null) this.#seen.set(key, seen)
    const isDone = isDue && this.#seen === null
    if (entry !== undefined) this.#parts.write(entry, isDone ? absent : part)
    else if (!isDone) this.#parts.make(space, key, part)
    if (isDue || this.#results.givesUpdates) this.#give(key, seen, part, isDue ? 'final' : 'early')
    else if (isChanged) this.#noteChange(key)
  }

  restored(): void {
    for (const { entries } of this.#parts.namespaces.values()) {
      for (const { key, value } of entries.values()) {
        if (value !== absent && (value as Part).isChanged) this.#noteChange(key)
      }
    }
  }

  advance(): void {}

  dueMs(): number {
    return never
  }

  flush(): void {
    const due: { key: Key; part: Part; rest: readonly unknown[] }[] = []
    for (const key of this.#changed.values()) {
      const seen = this.#seenOf(key)
      const at = this.#seen === null ? 0 : this.#placeOf(seen - 1)
      const open = this.#parts.get(key, at) as Part | undefined
      if (open?.isChanged !== true) continue
      const told = { ...open, isChanged: false }
      this.#parts.set(key, told, at)
      due.push({ key, ...this.#partsOf(key, seen, told) })
    }
    this.#changed.clear()
    due.sort((a, b) => a.part.maxMs - b.part.maxMs || compareKeys(a.key, b.key))
    for (const { key, part, rest } of due) {
      const place = placeOf(part, this.#context.time.watermarkMs)
      const window = this.#results.window(place, 'early', 0)
      this.#results.giveAtomic(key, part.kept, rest, { window, timeMs: place.timeMs })
    }
  }

  #noteChange(key: Key): void {
    this.#clock.early?.arm()
    this.#changed.set(stateKey(key), key)
  }

  #seenOf(key: Key): number {
    return (this.#seen?.get(key) as number | undefined) ?? 0
  }

  /** Place in the ring of the slice that a record is in, by the number of those before it. */
  #placeOf(seen: number): number {
    return Math.floor(seen / this.#sliceRecords) % this.#ring
  }

  /** Whether a record begins a slice: the oldest one's place in the ring is free. */
  #begins(seen: number): boolean {
    return this.#seen !== null && seen % this.#sliceRecords === 0
  }

  #with(
    part: Part | null,
    { value, time, isChanged }: { value: unknown; time: number; isChanged: boolean },
  ): Part {
    const fold = this.#fold
    if (part === null) {
      return { minMs: time, maxMs: time, kept: fold.first(value), records: 1, isChanged }
    }
    return {
      minMs: Math.min(part.minMs, time),
      maxMs: Math.max(part.maxMs, time),
      kept: fold.add(part.kept, value),
      records: part.records + 1,
      isChanged,
    }
  }

  /** What there is so far of the window that is complete next, or just now; `open` comes last. */
  #partsOf(key: Key, seen: number, open: Part): { part: Part; rest: readonly unknown[] } {
    if (this.#seen === null) return { part: open, rest: noParts }
    const endAt = Math.ceil(seen / this.#every) * this.#every
    const last = Math.ceil(seen / this.#sliceRecords) - 1
    const first = Math.max(0, endAt / this.#sliceRecords - this.#ring)
    let { minMs, maxMs } = open
    const kept: unknown[] = []
    for (let i = first; i < last; i++) {
      const part = this.#parts.get(key, i % this.#ring) as Part
      minMs = Math.min(minMs, part.minMs)
      maxMs = Math.max(maxMs, part.maxMs)
      kept.push(part.kept)
    }
    kept.push(open.kept)
    return { part: { ...open, minMs, maxMs, kept: kept[0] }, rest: kept.slice(1) }
  }

  #give(key: Key, seen: number, open: Part, pane: 'early' | 'final'): void {
    const { part, rest } = this.#partsOf(key, seen, open)
    const place = placeOf(part, this.#context.time.watermarkMs)
    const kept = this.#results.merged(part.kept, rest)
    this.#results.give(key, kept, this.#results.window(place, pane, 0), place.timeMs)
  }
}

type PartState = readonly [number, number, unknown, number, boolean]

function partState(fold: Fold): {
  toState: (part: unknown) => unknown
  fromState: (state: unknown) => unknown
} {
  return {
    toState: (part) => {
      const { minMs, maxMs, kept, records, isChanged } = part as Part
      return [minMs, maxMs, fold.toState(kept), records, isChanged]
    },
    fromState: (state): Part => {
      const [minMs, maxMs, kept, records, isChanged] = state as PartState
      return { minMs, maxMs, kept: fold.fromState(kept), records, isChanged }
    },
  }
}

const same = (value: unknown): unknown => value
