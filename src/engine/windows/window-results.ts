/**
 * Gives the results of windows: with the record in hand, or at a close between records, where a
 * user's function that throws (`reduce` merging parts, a result) costs that result only.
 */
import { MillraceError } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import type { EmissionSpec } from '../../pipeline/window-spec.ts'
import type { Window } from '../../pipeline/window.ts'
import type { Fold } from '../operators/fold.ts'
import type { Push, StepContext } from '../operators/operator.ts'

export interface ResultPlace {
  readonly startMs: number
  readonly endMs: number
  /** Event time of the result. */
  readonly timeMs: number
}

export const noParts: readonly unknown[] = []

export class WindowResults {
  /** Whether each change gives a result at once. */
  readonly givesUpdates: boolean
  readonly #fold: Fold
  readonly #context: StepContext
  readonly #emit: Push
  readonly #hasPanes: boolean

  constructor(fold: Fold, emission: EmissionSpec, context: StepContext, emit: Push) {
    this.#fold = fold
    this.#context = context
    this.#emit = emit
    this.#hasPanes = emission.kind !== 'final'
    this.givesUpdates = emission.kind === 'updates'
  }

  /** The window of a result. @param revision 0: none was given after its close */
  window({ startMs, endMs }: ResultPlace, pane: Window['pane'] & string, revision: number): Window {
    const start = startMs
    const end = endMs
    if (!this.#hasPanes) return revision === 0 ? { start, end } : { start, end, revision }
    return revision === 0 ? { start, end, pane } : { start, end, revision, pane }
  }

  /** As part of what the record in hand does. */
  give(key: Key, kept: unknown, window: Window, timeMs: number): void {
    this.#emit(this.#fold.result(key, kept, window), key, timeMs)
  }

  /** Between records. @param rest to be merged behind `first`, in order */
  giveAtomic(key: Key, first: unknown, rest: readonly unknown[], at: ResultAt): void {
    const { task, step } = this.#context
    task.running = step
    let result: unknown
    try {
      const kept = rest.length === 0 ? first : this.merged(first, rest)
      result = this.#fold.result(key, kept, at.window)
    } catch (thrown) {
      this.fail(key, thrown, at)
      return
    }
    task.emitAtomic(this.#emit, result, key, at.timeMs)
  }

  /** Between records: a user's function has thrown, so there is no result. */
  fail(key: Key, thrown: unknown, { window, timeMs }: ResultAt): void {
    if (thrown instanceof MillraceError && thrown.blame === 'engine') throw thrown
    const { task, step } = this.#context
    task.running = step
    const fails = (): never => {
      throw thrown
    }
    task.emitAtomic(fails, { key, window }, key, timeMs)
  }

  merged(first: unknown, rest: readonly unknown[]): unknown {
    let kept = first
    for (const part of rest) kept = this.#fold.merge(kept, part)
    return kept
  }
}

export interface ResultAt {
  readonly window: Window
  readonly timeMs: number
}
