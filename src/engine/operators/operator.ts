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
  /**
   * The windows that are open and the timers that are set, for people who test; where it is not
   * there, or gives null, the step does not tell. Looks at all of the state. Between records.
   */
  upcoming?(): readonly Upcoming[] | null
}

/** A window that is open, or a timer that is set. */
export interface Upcoming {
  readonly kind: 'window' | 'timer'
  readonly key: Key
  /** Of a timer; empty: it has none. */
  readonly name: string
  /** Of a window; of a timer both are its time. */
  readonly startMs: number
  readonly endMs: number
  /** When it closes or fires, in its time. */
  readonly dueMs: number
  readonly time: 'event' | 'processing'
}

/** The input record behind a result. */
export interface Cause {
  readonly topic: string
  readonly partition: number
  /** −1: none of the topic's. */
  readonly offset: number
}

/** What a step owes whose results come later, from outside the task. Called by the task only. */
export interface Asynchronous {
  /** Records taken whose results have not been given on yet. A commit waits for them. */
  readonly pending: number
  /** Whether it can take no further record now. */
  readonly isFull: boolean
  /**
   * Gives on the result of the oldest record taken, if it is there. Called between records, again
   * and again as long as it gave one; event time behind the step moves in between.
   */
  deliver(): 'delivered' | 'waiting'
  /** Watermark that held when the oldest pending record came; Infinity when none is pending. */
  holdMs(): number
  /**
   * Calls that have begun and may be answered at any time. What else is pending waits for the clock
   * (a pause before a repeat), or is there.
   */
  readonly callsUnderWay: number
  /**
   * The task is at its end: what is pending is dropped, calls are told to stop, and an answer that
   * still comes changes nothing. Idempotent.
   */
  close(): void
}

export interface Operator {
  /** Takes the records of all inputs, or of the first where they are not alike. */
  readonly push: Push
  /** Takes the records of the second input; null where inputs are alike. */
  readonly second: Push | null
  readonly stateful: Stateful | null
  readonly asynchronous: Asynchronous | null
}

/** Where the operator of a step with more than one output sends records. */
export interface StepOutputs {
  readonly main: Push
  /** The output of that name; goes nowhere when nobody reads it. */
  named(name: string): Push
}

/** What the task hands to the operator of one step. */
export interface StepContext {
  readonly step: string
  readonly task: TaskContext
  /**
   * Event time as this step sees it: of the task, or lagging behind it. While `onWatermark` runs,
   * still the old one.
   */
  readonly time: { readonly watermarkMs: number }
  /** Input partition of the record in hand; 0 when there is none. */
  readonly originPartition: () => number
  /** For tables: whether anyone behind the step looks at what was before a change. */
  readonly wantsBefore: boolean
  /** A state store named after the step. One call for each `part` of the state. */
  store(spec: Omit<StoreSpec, 'name'> & { part?: string }): Store
}

/** The task's side that all steps share. */
export interface TaskContext {
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
   * @param cause where the record came from whose result this is, for its letters and partition
   */
  emitAtomic(
    emit: Push,
    value: unknown,
    key: Key | null,
    timeMs: number,
    cause?: Cause | null,
  ): void
  /**
   * Where the record in hand came from, for a result of it that comes later; null: no record is.
   */
  readonly cause: Cause | null
  /**
   * The record in hand is too late for a step: counted, and kept once for each step.
   * `detail.windowEndMs`: event time at which the step was done with what the record belongs to.
   */
  late(step: string, detail: { windowEndMs: number; watermarkMs: number }): void
  /** For work outside the task. */
  readonly outside: Outside
  /** Text for the terminal, given out when the record is done. */
  print(text: string): void
}

/** The world outside the task, for asynchronous steps. */
export interface Outside {
  /** Calls `then` after so many ms of wall-clock time. @returns a function that cancels it */
  after(ms: number, then: () => void): () => void
  /** A result has come: the task is to look. May be called at any time. */
  wake(): void
}

/** For stateful operators without timers of one of the two kinds. */
export const never: number = Number.POSITIVE_INFINITY
