/**
 * What must come out of windows that are cut by time alone, by keeping each window's values in a
 * list of its own, and what the models of all kinds share.
 */
import type { EmissionSpec, WindowSpec } from '../../pipeline/window-spec.ts'
import type { CaseRecord } from './fold-case.ts'
import type { ModelStep, TaskModel } from './task-model.ts'

/** What is run: a window, how it gives results, and what it folds. */
export interface TestedWindow {
  readonly window: WindowSpec
  readonly emission: EmissionSpec
  readonly latenessMs: number
  /** Several aggregates of which some throw; one; or a function that merges too. */
  readonly fold: 'all' | 'count' | 'reduce'
}

/** Names of the tested step, and of the one behind it that throws. */
export const foldStep = 'fold'
export const checkStep = 'check'

/** A result: of which values, in which window. */
export interface Given {
  readonly k: string
  readonly values: readonly number[]
  readonly start: number
  readonly end: number
  /** Event time. */
  readonly t: number
  readonly pane: 'early' | 'final' | 'late'
  readonly revision: number
}

/** A record as a window gets it. */
export interface Timed {
  /** By the time that the window follows. */
  readonly t: number
  readonly eventT: number
  readonly v: number
}

/** Values that the tested aggregates refuse, and those whose result a later step does. */
export const refuses = (v: number): boolean => v === 7
export const poisons = (values: readonly number[]): boolean =>
  values.includes(8) && values.length % 2 === 0

export function foldOf(values: readonly number[]): Record<string, unknown> {
  return {
    n: values.length,
    total: values.reduce((a, b) => a + b, 0),
    low: Math.min(...values),
    high: Math.max(...values),
    kinds: new Set(values.map((v) => ((v % 3) + 3) % 3)).size,
    poison: poisons(values),
  }
}

export function byText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** By end, then key. */
export function inOrder(given: readonly Given[]): Given[] {
  return given.toSorted((a, b) => a.end - b.end || byText(a.k, b.k))
}

export abstract class WindowModel<W extends WindowSpec> implements ModelStep {
  readonly window: W
  readonly tested: TestedWindow
  readonly #isEvent: boolean
  #closedTo = -Infinity
  #flushAt = Infinity

  constructor(window: W, tested: TestedWindow, isEvent: boolean) {
    this.window = window
    this.tested = tested
    this.#isEvent = isEvent
  }

  take(record: CaseRecord, task: TaskModel): void {
    if (record.k === null) return task.dead(record, 'step-failed', foldStep)
    const at = this.#isEvent ? record.t : task.now
    const lateEnd = this.lateEnd(record.k, at, this.reached(task))
    if (lateEnd !== null) return task.late(record, foldStep, lateEnd)
    if (this.#throws && refuses(record.v)) return task.dead(record, 'step-failed', foldStep)
    const undo = this.snapshot()
    const timed = { t: at, eventT: record.t, v: record.v }
    const given = this.add(record.k, timed, task)
    if (given.some((one) => this.#isPoison(one))) {
      this.restore(undo)
      return task.dead(record, 'step-failed', checkStep)
    }
    for (const one of given) this.#out(one, task)
    const { emission } = this.tested
    if (emission.kind !== 'early') return
    const { everyMs } = emission
    this.#flushAt = Math.min(this.#flushAt, (Math.floor(task.now / everyMs) + 1) * everyMs)
  }

  advance(toMs: number, task: TaskModel): void {
    if (this.#isEvent) this.#give(this.close(this.reached(task), toMs, task), task)
  }

  tick(task: TaskModel): void {
    if (!this.#isEvent) {
      this.#give(this.close(this.#closedTo, task.now, task), task)
      this.#closedTo = task.now
    }
    if (this.#flushAt > task.now) return
    this.#flushAt = Infinity
    this.#give(this.flush(this.reached(task), task), task)
  }

  /** How far the time of the windows has come. */
  reached(task: TaskModel): number {
    return this.#isEvent ? task.watermark : this.#closedTo
  }

  /** Where a record is late: the end of the last window it would have belonged to; else null. */
  abstract lateEnd(k: string, t: number, reached: number): number | null
  /** A record is taken. @returns results it gives at once, in order */
  abstract add(k: string, record: Timed, task: TaskModel): readonly Given[]
  /** Time goes on. @returns the results due, in order */
  abstract close(reached: number, to: number, task: TaskModel): readonly Given[]
  /** @returns early results of what has changed, in order */
  abstract flush(reached: number, task: TaskModel): readonly Given[]
  /** A deep copy of all it keeps. */
  abstract snapshot(): unknown
  abstract restore(snapshot: unknown): void

  #give(given: readonly Given[], task: TaskModel): void {
    for (const one of given) {
      if (!this.#isPoison(one)) this.#out(one, task)
      else task.deadResult(one.k, this.#result(one), { t: one.t, step: checkStep })
    }
  }

  /** Only one of the tested folds throws. */
  get #throws(): boolean {
    return this.tested.fold === 'all'
  }

  #isPoison({ values }: Given): boolean {
    return this.#throws && poisons(values)
  }

  #out(given: Given, task: TaskModel): void {
    task.out(given.k, this.#result(given), given.t)
  }

  #result({ k, start, end, revision, pane, values }: Given): unknown {
    const hasPanes = this.tested.emission.kind !== 'final'
    const window = {
      start,
      end,
      ...(revision === 0 ? {} : { revision }),
      ...(hasPanes ? { pane } : {}),
    }
    const fields =
      this.tested.fold === 'reduce'
        ? { value: values.reduce((a, b) => a + b, 0) }
        : this.tested.fold === 'count'
          ? { n: values.length }
          : foldOf(values)
    return { key: k, window, ...fields }
  }
}

interface ModelWindow {
  readonly k: string
  readonly start: number
  readonly end: number
  values: number[]
  revisions: number
  isChanged: boolean
}

type Cut = (t: number) => readonly { start: number; end: number }[]

/** Tumbling, sliding, cumulative: each key's window is a list of values. */
export class SlicedModel extends WindowModel<WindowSpec> {
  #windows: ModelWindow[] = []
  readonly #cut: Cut

  constructor(window: WindowSpec, tested: TestedWindow, isEvent: boolean) {
    super(window, tested, isEvent)
    this.#cut = cutOf(window)
  }

  lateEnd(_k: string, t: number, reached: number): number | null {
    const ends = this.#cut(t).map(({ end }) => end)
    const last = Math.max(...ends)
    return last + this.tested.latenessMs <= reached ? last : null
  }

  add(k: string, { t, v }: Timed, task: TaskModel): readonly Given[] {
    const reached = this.reached(task)
    const given: Given[] = []
    for (const { start, end } of this.#cut(t)) {
      if (end + this.tested.latenessMs <= reached) continue
      let window = this.#windows.find((one) => one.k === k && one.end === end)
      if (window === undefined) {
        window = { k, start, end, values: [], revisions: 0, isChanged: false }
        this.#windows.push(window)
      }
      window.values.push(v)
      const isClosed = end <= reached
      if (isClosed) window.revisions += 1
      else window.isChanged = true
      if (isClosed || this.tested.emission.kind === 'updates') {
        given.push(this.#given(window, isClosed ? 'late' : 'early', window.revisions))
      }
    }
    return given.toSorted((a, b) => a.end - b.end)
  }

  close(reached: number, to: number): readonly Given[] {
    const due = this.#windows.filter(({ end }) => end > reached && end <= to)
    return inOrder(due.map((one) => this.#given(one, 'final', 0)))
  }

  flush(reached: number): readonly Given[] {
    const due = this.#windows.filter(({ end, isChanged }) => isChanged && end > reached)
    for (const one of this.#windows) one.isChanged = false
    return inOrder(due.map((one) => this.#given(one, 'early', 0)))
  }

  snapshot(): unknown {
    return structuredClone(this.#windows)
  }

  restore(snapshot: unknown): void {
    this.#windows = snapshot as ModelWindow[]
  }

  #given({ k, values, start, end }: ModelWindow, pane: Given['pane'], revision: number): Given {
    return { k, values: [...values], start, end, t: end - 1, pane, revision }
  }
}

/** All windows that hold a time, found by trying each start that could be one. */
function cutOf(window: WindowSpec): Cut {
  const starts = (t: number, every: number, offset: number, back: number): number[] => {
    const first = Math.floor((t - offset) / every) * every + offset
    return Array.from({ length: Math.ceil(back / every) + 2 }, (_, i) => first - (i - 1) * every)
  }
  return (t) => {
    const holds = ({ start, end }: { start: number; end: number }): boolean => start <= t && t < end
    switch (window.kind) {
      case 'tumbling':
        return starts(t, window.sizeMs, window.offsetMs, window.sizeMs)
          .map((start) => ({ start, end: start + window.sizeMs }))
          .filter(holds)
      case 'sliding':
        return starts(t, window.everyMs, window.offsetMs, window.sizeMs)
          .map((start) => ({ start, end: start + window.sizeMs }))
          .filter(holds)
      case 'cumulative':
        return starts(t, window.sizeMs, window.offsetMs, window.sizeMs)
          .flatMap((start) =>
            Array.from({ length: window.sizeMs / window.stepMs }, (_, i) => ({
              start,
              end: start + (i + 1) * window.stepMs,
            })),
          )
          .filter(holds)
      default:
        throw new Error(`no cut of ${window.kind} windows`)
    }
  }
}
