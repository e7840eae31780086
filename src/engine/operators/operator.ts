/**
 * The contract of an operator: a small object for one step, made by one factory in a file of its
 * own.
 *
 * O1 Same records in the same order with the same clock ticks → same outputs, same state: a run is
 * replayable. O2 No clock, randomness or I/O but through what the task hands in (`StepContext`).
 * O3 All memory that outlives a record is in a state store.
 * O4 A record is atomic: if the user's function throws, everything that the record did (state,
 * outputs, prints) is undone by the
 *    task, the record goes to the dead letters, and the next one proceeds. So an operator keeps
 *    nothing outside its stores that
 *    a throw could leave half-done (caches of store contents are allowed where they stay true).
 *
 * Records are pushed depth-first, one at a time, synchronously. `push` does not allocate but for
 * the user's own values.
 */
import type { Key } from '../../core/key.ts'
import type { Store, StoreSpec } from '../state/store.ts'

/** Takes one record: value, key (null: none) and event time in ms. */
export type Push = (value: unknown, key: Key | null, time: number) => void

/**
 * What an operator with memory or timers owes besides taking records. Called by the task only,
 * between records.
 */
export interface Stateful {
  /**
   * Called once, after the stores are filled from the changelog and before the first record.
   * `context.watermark` is restored.
   */
  onRestored(): void
  /**
   * Event time has reached `watermarkMs`: all that is due up to it happens now, in order of time.
   * Called in topological order, so records that steps before this one emit for the same watermark
   * have arrived already. `context.watermark` still is the old one meanwhile.
   */
  onWatermark(watermarkMs: number): void
  /**
   * Least watermark at which `onWatermark` has something to do; Infinity when none. Cheap: asked
   * after each advance.
   */
  watermarkDueMs(): number
  /** The wall clock stands at `nowMs`. */
  onClock(nowMs: number): void
  /** Wall clock at which `onClock` has something to do; Infinity when none. */
  clockDueMs(): number
  /**
   * The run ends in an orderly way; a last commit follows. For what people wait to see, not for
   * closing windows early.
   */
  onStop(): void
}

export interface Operator {
  readonly push: Push
  readonly stateful: Stateful | null
}

/** What the task hands to the operator of one step. */
export interface StepContext {
  readonly step: string
  readonly task: TaskContext
  /** A state store named after the step. One call for each `part` of the state. */
  store(spec: Omit<StoreSpec, 'name'> & { part?: string }): Store
}

/** The task's side that all steps share. */
export interface TaskContext {
  /** Event time reached so far, ms; −Infinity before the first. */
  readonly watermarkMs: number
  /** The clock tick in hand, ms. */
  readonly nowMs: number
  /**
   * Set to the step's name before a user's function is called, so that what it throws can be
   * placed.
   */
  running: string
  /**
   * Emits something that no record in hand causes (a window's result): atomic like a record of its
   * own. If a later step throws, what it did is undone and the value goes to the dead letters.
   */
  emitAtomic(emit: Push, value: unknown, key: Key | null, timeMs: number): void
  /** The record in hand is too late for a step: counted, and kept once for each step. */
  late(step: string, detail: { windowEndMs: number }): void
  /** Text for the terminal, given out when the record is done. */
  print(text: string): void
}

/** For stateful operators without timers of one of the two kinds. */
export const never: number = Number.POSITIVE_INFINITY
