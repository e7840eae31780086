/**
 * What must come out of a `FoldCase`: each window keeps all its values and folds them anew for each
 * result.
 */
import { sizeMs } from './fold-case.ts'
import type { CaseRecord, FoldCase } from './fold-case.ts'
import type { Restart } from './case-runner.ts'
import { TaskModel } from './task-model.ts'
import type { ModelStep } from './task-model.ts'

/** What the tested pipeline folds, by plain loops. */
export interface FoldRules {
  /** Steps' names, for the letters. */
  readonly step: string
  readonly resultStep: string
  readonly isWindowed: boolean
  /** The record throws before it is folded. */
  refuses(v: number): boolean
  /** The fields of a result, of all values of the key (and window) in the order they came. */
  fold(values: readonly number[]): Record<string, unknown>
  /** The step behind the fold throws. */
  poisons(values: readonly number[]): boolean
}

interface ModelWindow {
  readonly end: number
  readonly values: Map<string, number[]>
  readonly revisions: Map<string, number>
}

export function modelLines(
  one: FoldCase,
  rules: FoldRules,
  restarts: readonly Restart[],
): string[] {
  return new TaskModel(one, new FoldModel(one.latenessMs, rules), restarts).run()
}

class FoldModel implements ModelStep {
  readonly #latenessMs: number
  readonly #rules: FoldRules
  readonly #windows = new Map<number, ModelWindow>()

  constructor(latenessMs: number, rules: FoldRules) {
    this.#latenessMs = latenessMs
    this.#rules = rules
  }

  take(record: CaseRecord, task: TaskModel): void {
    const { isWindowed, step, refuses, resultStep, poisons, fold } = this.#rules
    const { k, v, t } = record
    if (k === null) return task.dead(record, 'step-failed', step)
    const start = isWindowed ? Math.floor(t / sizeMs) * sizeMs : 0
    const end = isWindowed ? start + sizeMs : Infinity
    if (end + this.#latenessMs <= task.watermark) return task.late(record, step, end)
    if (refuses(v)) return task.dead(record, 'step-failed', step)
    const window = this.#windows.get(start) ?? { end, values: new Map(), revisions: new Map() }
    const values = [...(window.values.get(k) ?? []), v]
    const isClosed = end <= task.watermark
    if ((isClosed || !isWindowed) && poisons(values))
      return task.dead(record, 'step-failed', resultStep)
    this.#windows.set(start, window)
    window.values.set(k, values)
    if (!isWindowed) return task.out(k, { key: k, ...fold(values) }, t)
    if (!isClosed) return
    const revision = (window.revisions.get(k) ?? 0) + 1
    window.revisions.set(k, revision)
    task.out(k, { key: k, window: { start, end, revision }, ...fold(values) }, end - 1)
  }

  advance(to: number, task: TaskModel): void {
    const closing = [...this.#windows]
      .filter(([, { end }]) => end > task.watermark && end <= to)
      .toSorted(([a], [b]) => a - b)
    for (const [start, { end, values }] of closing) {
      for (const k of [...values.keys()].toSorted((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      )) {
        const all = values.get(k) as number[]
        const result = { key: k, window: { start, end }, ...this.#rules.fold(all) }
        if (!this.#rules.poisons(all)) task.out(k, result, end - 1)
        else task.deadResult(k, result, { t: end - 1, step: this.#rules.resultStep })
      }
    }
  }

  tick(): void {}
}
