/**
 * `aggregate` and `reduce` over tumbling windows (the Dataflow model, Akidau et al. 2015; emission
 * as Flink's event-time trigger).
 *
 * A window [start, end) gives its results, in order of key, when the watermark reaches `end`;
 * windows in order of their end. The result's event time is end − 1: the last instant that belongs
 * to it. Until the watermark reaches end + lateness a further record changes the kept value and
 * gives a result again at once, with `revision` 1, 2, … in its window; after that it is late.
 * Stores: `<step>`: namespace = start, key → kept value; where lateness is allowed also
 * `<step>/revisions`.
 */
import { assert } from '../../core/assert.ts'
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AggregateNode, ReduceNode, WindowSpec } from '../../pipeline/node.ts'
import { absent } from '../state/store.ts'
import type { Entry, Namespace, Store } from '../state/store.ts'
import { TimeHeap } from '../time-heap.ts'
import { missingKey } from './missing-key.ts'
import { foldOf } from './fold.ts'
import type { Fold } from './fold.ts'
import { never } from './operator.ts'
import type { Operator, Push, Stateful, StepContext, TaskContext } from './operator.ts'

type WindowNode = (AggregateNode | ReduceNode) & { readonly window: WindowSpec }

export function windowFoldOperator(node: WindowNode, context: StepContext, emit: Push): Operator {
  const windows = new WindowFold(node, context, emit)
  return {
    push: (value, key, time) => windows.take(value, key, time),
    second: null,
    asynchronous: null,
    stateful: windows,
  }
}

class WindowFold implements Stateful {
  readonly #fold: Fold
  readonly #task: TaskContext
  readonly #time: StepContext['time']
  readonly #step: string
  readonly #emit: Push
  readonly #sizeMs: number
  readonly #latenessMs: number
  readonly #store: Store
  readonly #revisions: Store | null
  /** Starts of windows still to be closed, and of closed ones still to be forgotten. */
  readonly #open = new TimeHeap()
  readonly #closed = new TimeHeap()
  /** The window used last: most records fall into the same as the one before. */
  #lastStart = Number.NaN
  #lastWindow: Namespace | undefined

  constructor(node: WindowNode, context: StepContext, emit: Push) {
    this.#fold = foldOf(node)
    this.#task = context.task
    this.#time = context.time
    this.#step = context.step
    this.#emit = emit
    assert(node.window.kind === 'tumbling', () => `no operator for ${node.window.kind} windows`)
    this.#sizeMs = node.window.sizeMs
    this.#latenessMs = node.latenessMs
    const { toState, fromState } = this.#fold
    this.#store = context.store({ toState, fromState })
    this.#revisions =
      node.latenessMs > 0
        ? context.store({ part: 'revisions', toState: same, fromState: same })
        : null
  }

  take(value: unknown, key: Key | null, time: number): void {
    const task = this.#task
    task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const start = Math.floor(time / this.#sizeMs) * this.#sizeMs
    const end = start + this.#sizeMs
    // A window is complete when the watermark is at its end, not after it: [start, end) holds no
    // record at `end`.
    if (end + this.#latenessMs <= this.#time.watermarkMs) {
      task.late(this.#step, { windowEndMs: end, watermarkMs: this.#time.watermarkMs })
      return
    }
    const window = this.#windowAt(start)
    const entry = window === undefined ? undefined : this.#store.find(window, key)
    const isFirst = entry === undefined || entry.value === absent
    const kept = isFirst ? this.#fold.first(value) : this.#fold.add(entry.value, value)
    if (entry === undefined) this.#store.make(window ?? this.#openWindow(start), key, kept)
    else this.#store.write(entry, kept)
    if (end <= this.#time.watermarkMs) this.#emitRevision(start, key, kept)
  }

  onRestored(): void {
    for (const start of this.#store.namespaces.keys()) this.#schedule(start)
  }

  onWatermark(watermarkMs: number): void {
    while (this.#open.least + this.#sizeMs <= watermarkMs) this.#close(this.#open.take())
    while (this.#closed.least + this.#sizeMs + this.#latenessMs <= watermarkMs) {
      const start = this.#closed.take()
      this.#store.drop(start)
      this.#revisions?.drop(start)
    }
  }

  watermarkDueMs(): number {
    const closeMs = this.#open.least + this.#sizeMs
    return Math.min(closeMs, this.#closed.least + this.#sizeMs + this.#latenessMs)
  }

  onClock(): void {}

  clockDueMs(): number {
    return never
  }

  onStop(): void {}

  #windowAt(start: number): Namespace | undefined {
    const last = this.#lastWindow
    if (start === this.#lastStart && last !== undefined && !last.dropped) return last
    this.#lastStart = start
    this.#lastWindow = this.#store.namespaces.get(start)
    return this.#lastWindow
  }

  #openWindow(start: number): Namespace {
    const made = this.#store.namespace(start)
    this.#lastStart = start
    this.#lastWindow = made
    this.#schedule(start)
    return made
  }

  #schedule(start: number): void {
    if (start + this.#sizeMs <= this.#time.watermarkMs) this.#closed.add(start)
    else this.#open.add(start)
  }

  #emitRevision(start: number, key: Key, kept: unknown): void {
    const before = this.#revisions?.get(key, start)
    const revision = (typeof before === 'number' ? before : 0) + 1
    this.#revisions?.set(key, revision, start)
    const end = start + this.#sizeMs
    this.#emit(this.#fold.result(key, kept, { start, end, revision }), key, end - 1)
  }

  #close(start: number): void {
    const end = start + this.#sizeMs
    const entries: Entry[] = []
    for (const entry of this.#store.namespaces.get(start)?.entries.values() ?? []) {
      if (entry.value !== absent) entries.push(entry)
    }
    entries.sort(byKey)
    for (const { key, value } of entries) {
      this.#task.running = this.#step
      const result = this.#fold.result(key, value, { start, end })
      this.#task.emitAtomic(this.#emit, result, key, end - 1)
    }
    if (this.#latenessMs === 0) this.#store.drop(start)
    else this.#closed.add(start)
  }
}

const byKey = (a: Entry, b: Entry): number => compareKeys(a.key, b.key)
const same = (value: unknown): unknown => value
