/**
 * `aggregate` and `reduce` over one window for ever, in order of arrival; a trigger says when it
 * gives results (Flink's GlobalWindows with count and continuous triggers). Nothing is late.
 *
 * An interval's trigger fires at multiples of `every`: by event time at the first one behind the
 * record's time and the watermark, so for each key once, however far the watermark moves at a time.
 *
 * Stores: `<step>`: key → what is kept, records since the last result, when the next is due.
 */
import type { Key } from '../../core/key.ts'
import type { GlobalWindow, TriggerSpec } from '../../pipeline/window-spec.ts'
import { KeyTimers } from '../key-timers.ts'
import { absent } from '../state/store.ts'
import type { Entry, Store } from '../state/store.ts'
import { placeOf } from '../windows/extent.ts'
import type { Extent } from '../windows/extent.ts'
import { nextMultiple } from '../windows/window-clock.ts'
import type { TimedWindows, WindowClock } from '../windows/window-clock.ts'
import { noParts } from '../windows/window-results.ts'
import type { WindowResults } from '../windows/window-results.ts'
import type { WindowStep } from '../windows/window-step.ts'
import type { Fold } from './fold.ts'
import { missingKey } from './missing-key.ts'
import type { StepContext } from './operator.ts'

/** Of one key. */
interface Total extends Extent {
  readonly kept: unknown
  /** Records since the last result. */
  readonly fresh: number
  /** When the interval's trigger fires; null: nothing has changed since it did. */
  readonly dueMs: number | null
}

export class GlobalFold implements TimedWindows {
  readonly #fold: Fold
  readonly #context: StepContext
  readonly #results: WindowResults
  readonly #clock: WindowClock
  readonly #trigger: TriggerSpec
  readonly #store: Store
  readonly #timers = new KeyTimers()

  constructor({ fold, results, clock, context }: WindowStep, { trigger }: GlobalWindow) {
    this.#fold = fold
    this.#context = context
    this.#results = results
    this.#clock = clock
    this.#trigger = trigger
    this.#store = context.store(totalState(fold))
  }

  take(value: unknown, key: Key | null, time: number): void {
    const { task, step } = this.#context
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = this.#store.namespace(0)
    const entry = this.#store.find(keys, key)
    const before = entry === undefined || entry.value === absent ? null : (entry.value as Total)
    const trigger = this.#trigger
    const total: Total = {
      minMs: before === null ? time : Math.min(before.minMs, time),
      maxMs: before === null ? time : Math.max(before.maxMs, time),
      kept: before === null ? this.#fold.first(value) : this.#fold.add(before.kept, value),
      fresh: (before?.fresh ?? 0) + 1,
      dueMs: trigger.kind === 'count' ? null : this.#dueBehind(trigger.everyMs, time, before),
    }
    if (total.dueMs !== null && total.dueMs !== before?.dueMs) this.#timers.add(total.dueMs, key)
    const isDue = trigger.kind === 'count' && total.fresh >= trigger.records
    const next = isDue ? this.#past(total) : total
    if (entry !== undefined) this.#store.write(entry, next)
    else if (next !== absent) this.#store.make(keys, key, next)
    if (!isDue) return
    const place = placeOf(total, this.#context.time.watermarkMs)
    this.#results.give(key, total.kept, this.#results.window(place, 'final', 0), place.timeMs)
  }

  restored(): void {
    for (const { key, value } of this.#store.namespaces.get(0)?.entries.values() ?? []) {
      const dueMs = value === absent ? null : (value as Total).dueMs
      if (dueMs !== null) this.#timers.add(dueMs, key)
    }
  }

  advance(toMs: number): void {
    while (this.#timers.leastMs <= toMs) {
      const timeMs = this.#timers.leastMs
      const key = this.#timers.leastKey
      this.#timers.take()
      const entry = this.#store.find(this.#store.namespace(0), key)
      if (entry !== undefined && entry.value !== absent) this.#fire(entry, timeMs)
    }
  }

  dueMs(): number {
    return this.#timers.leastMs
  }

  flush(): void {}

  #dueBehind(everyMs: number, time: number, before: Total | null): number {
    const reachedMs = this.#clock.reached.watermarkMs
    const dueMs = nextMultiple(Math.max(this.#clock.timeOf(time), reachedMs), everyMs)
    return before === null || before.dueMs === null ? dueMs : Math.min(before.dueMs, dueMs)
  }

  /** What is left when a result has been given. */
  #past(total: Total): Total | typeof absent {
    return this.#trigger.purge ? absent : { ...total, fresh: 0, dueMs: null }
  }

  #fire(entry: Entry, timeMs: number): void {
    const total = entry.value as Total
    // Not so where a record was undone, or an earlier one came meanwhile.
    if (total.dueMs !== timeMs) return
    this.#store.write(entry, this.#past(total))
    // While event time moves on to `timeMs` later steps are behind it still.
    const leastMs = this.#clock.isEvent ? timeMs - 1 : this.#context.time.watermarkMs
    const place = placeOf(total, leastMs)
    const window = this.#results.window(place, 'final', 0)
    this.#results.giveAtomic(entry.key, total.kept, noParts, { window, timeMs: place.timeMs })
  }
}

type TotalState = readonly [number, number, unknown, number, number | null]

function totalState(fold: Fold): {
  toState: (total: unknown) => unknown
  fromState: (state: unknown) => unknown
} {
  return {
    toState: (total) => {
      const { minMs, maxMs, kept, fresh, dueMs } = total as Total
      return [minMs, maxMs, fold.toState(kept), fresh, dueMs]
    },
    fromState: (state): Total => {
      const [minMs, maxMs, kept, fresh, dueMs] = state as TotalState
      return { minMs, maxMs, kept: fold.fromState(kept), fresh, dueMs }
    },
  }
}
