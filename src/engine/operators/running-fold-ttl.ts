/**
 * `aggregate` and `reduce` without a window, with a time to live: a key without a record for `ttl`
 * loses its row. At watermark ≥ time of its last record + ttl the row goes, with that event time;
 * rows that go at once in order of it, then of key. A record of that time or later that comes
 * before begins the row anew. A record is late when its own time + ttl has been reached and there
 * is no row that it could change.
 *
 * Store: `<step>`: key → [time of the last record, kept value].
 */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { KeyTimers } from '../key-timers.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import type { Fold } from './fold.ts'
import { missingKey } from './missing-key.ts'
import { noTimers } from './no-timers.ts'
import type { Operator, Push, Stateful, StepContext } from './operator.ts'

interface Row {
  readonly lastMs: number
  readonly kept: unknown
}

export function fadingFoldOperator(
  fold: Fold,
  ttlMs: number,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step, wantsBefore, time: eventTime } = context
  const store = context.store({
    toState: (row) => [(row as Row).lastMs, fold.toState((row as Row).kept)],
    fromState: (state) => {
      const [lastMs, kept] = state as readonly [number, unknown]
      return { lastMs, kept: fold.fromState(kept) } satisfies Row
    },
  })
  /** One for each row, at the time it goes or before. */
  const timers = new KeyTimers()
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const row = store.get(key) as Row | undefined
    const { watermarkMs } = eventTime
    if (row === undefined && time + ttlMs <= watermarkMs) {
      task.late(step, { windowEndMs: time + ttlMs, watermarkMs })
      return
    }
    if (row === undefined) timers.add(time + ttlMs, key)
    const before = wantsBefore && row !== undefined ? fold.result(key, row.kept, null) : null
    const goesOn = row !== undefined && time < row.lastMs + ttlMs
    const kept = goesOn ? fold.add(row.kept, value) : fold.first(value)
    const lastMs = goesOn ? Math.max(time, row.lastMs) : time
    store.set(key, { lastMs, kept } satisfies Row)
    emit({ before, after: fold.result(key, kept, null) }, key, time)
  }
  /** Atomic as a whole: a result may come from a function of the user. */
  const emitGone: Push = (row, key, time) => {
    const before = wantsBefore ? fold.result(key as Key, (row as Row).kept, null) : null
    emit({ before, after: null }, key, time)
  }
  const remove = (key: Key, row: Row, time: number): void => {
    store.delete(key)
    task.running = step
    task.emitAtomic(emitGone, row, key, time)
  }
  const stateful = expiring(store, timers, ttlMs, remove)
  return { push, second: null, asynchronous: null, stateful }
}

function expiring(
  store: Store,
  timers: KeyTimers,
  ttlMs: number,
  remove: (key: Key, row: Row, timeMs: number) => void,
): Stateful {
  const onRestored = (): void => {
    for (const { key, value } of store.namespaces.get(0)?.entries.values() ?? []) {
      if (value !== absent) timers.add((value as Row).lastMs + ttlMs, key)
    }
  }
  const onWatermark = (watermarkMs: number): void => {
    while (timers.leastMs <= watermarkMs) {
      const { leastMs, leastKey } = timers
      takeAll(timers, leastMs, leastKey)
      const row = store.get(leastKey) as Row | undefined
      if (row === undefined) continue
      if (row.lastMs + ttlMs > leastMs) timers.add(row.lastMs + ttlMs, leastKey)
      else remove(leastKey, row, leastMs)
    }
  }
  return { ...noTimers, onRestored, onWatermark, watermarkDueMs: () => timers.leastMs }
}

/** A record that was undone may have left a second one behind. */
function takeAll(timers: KeyTimers, timeMs: number, key: Key): void {
  while (timers.leastMs === timeMs && compareKeys(timers.leastKey, key) === 0) timers.take()
}
