/**
 * `aggregate` and `reduce` over tumbling windows (the Dataflow model, Akidau et al. 2015; emission as Flink's event-time trigger).
 *
 * A window [start, end) gives its results, in order of key, when the watermark reaches `end`; windows in order of their end. The result's
 * event time is end − 1: the last instant that belongs to it. Until the watermark reaches end + lateness a further record changes the
 * kept value and gives a result again at once, with `revision` 1, 2, … in its window; after that it is late.
 * Stores: `<step>`: namespace = start, key → kept value; where lateness is allowed also `<step>/revisions`.
 */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AggregateNode, ReduceNode, WindowSpec } from '../../pipeline/node.ts'
import { absent } from '../state/store.ts'
import type { Entry, Namespace } from '../state/store.ts'
import { TimeHeap } from '../time-heap.ts'
import { missingKey } from './missing-key.ts'
import { foldOf } from './fold.ts'
import { never } from './operator.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function windowFoldOperator(
  node: (AggregateNode | ReduceNode) & { readonly window: WindowSpec },
  context: StepContext,
  emit: Push,
): Operator {
  const fold = foldOf(node)
  const { task, step } = context
  const { sizeMs } = node.window
  const { latenessMs } = node
  const store = context.store({ toState: fold.toState, fromState: fold.fromState })
  const revisions = latenessMs > 0 ? context.store({ part: 'revisions', toState: same, fromState: same }) : null
  /** Starts of windows still to be closed, and of closed ones still to be forgotten. */
  const open = new TimeHeap()
  const closed = new TimeHeap()
  let lastStart = Number.NaN
  let lastWindow: Namespace | undefined

  const windowAt = (start: number): Namespace | undefined => {
    if (start !== lastStart || lastWindow === undefined || lastWindow.dropped) {
      lastStart = start
      lastWindow = store.namespaces.get(start)
    }
    return lastWindow
  }

  const openWindow = (start: number): Namespace => {
    const made = store.namespace(start)
    lastStart = start
    lastWindow = made
    if (start + sizeMs <= task.watermarkMs) closed.add(start)
    else open.add(start)
    return made
  }

  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const start = Math.floor(time / sizeMs) * sizeMs
    const end = start + sizeMs
    // A window is complete when the watermark is at its end, not after it: [start, end) holds no record at `end`.
    if (end + latenessMs <= task.watermarkMs) {
      task.late(step, { windowEndMs: end })
      return
    }
    const window = windowAt(start)
    const entry = window === undefined ? undefined : store.find(window, key)
    const fresh = entry === undefined || entry.value === absent
    const kept = fresh ? fold.first(value) : fold.add(entry.value, value)
    if (entry === undefined) store.make(window ?? openWindow(start), key, kept)
    else store.write(entry, kept)
    if (end <= task.watermarkMs) emitRevision(start, key, kept)
  }

  const emitRevision = (start: number, key: Key, kept: unknown): void => {
    const before = revisions?.get(key, start)
    const revision = (typeof before === 'number' ? before : 0) + 1
    revisions?.set(key, revision, start)
    const end = start + sizeMs
    emit(fold.result(key, kept, { start, end, revision }), key, end - 1)
  }

  const close = (start: number): void => {
    const window = store.namespaces.get(start)
    if (window !== undefined) {
      const end = start + sizeMs
      const entries: Entry[] = []
      for (const entry of window.entries.values()) if (entry.value !== absent) entries.push(entry)
      entries.sort(byKey)
      for (const { key, value } of entries) {
        task.running = step
        task.emitAtomic(emit, fold.result(key, value, { start, end }), key, end - 1)
      }
    }
    if (latenessMs === 0) store.drop(start)
    else closed.add(start)
  }

  return {
    push,
    stateful: {
      onRestored: () => {
        for (const start of store.namespaces.keys()) {
          if (start + sizeMs <= task.watermarkMs) closed.add(start)
          else open.add(start)
        }
      },
      onWatermark: (watermarkMs) => {
        while (open.least + sizeMs <= watermarkMs) close(open.take())
        while (closed.least + sizeMs + latenessMs <= watermarkMs) {
          const start = closed.take()
          store.drop(start)
          revisions?.drop(start)
        }
      },
      watermarkDueMs: () => Math.min(open.least + sizeMs, closed.least + sizeMs + latenessMs),
      onClock: () => {},
      clockDueMs: () => never,
      onStop: () => {},
    },
  }
}

const byKey = (a: Entry, b: Entry): number => compareKeys(a.key, b.key)
const same = (value: unknown): unknown => value
