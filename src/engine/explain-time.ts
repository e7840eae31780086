/**
 * Why event time stands where it stands: for whoever asks why a window has not given its result.
 * Plain data; the words are the reader's.
 */
import type { StatefulStep } from './chain.ts'
import type { Cursor } from './cursor.ts'
import type { InputClock, Watermark } from './watermark.ts'

/** How far one input partition has come. */
export interface InputTime {
  readonly topic: string
  readonly partition: number
  /** Event time that it vouches for, ms; null: it has not had a record. */
  readonly reachedMs: number | null
  /** Wall clock, ms, when that last moved, or when reading began. */
  readonly sinceMs: number
  /**
   * `holds`: the task waits for it. `ahead`: another one is behind it. `idle`: does not count, as
   * nothing has come for `idleAfter`. `global`: never counts.
   */
  readonly state: 'holds' | 'ahead' | 'idle' | 'global'
  /** Records that are there but not read yet, at least. */
  readonly hasBacklog: boolean
}

/** What would move the task's event time on. */
export type TimeRelease =
  /**
   * A record of this partition whose event time is larger than `aboveMs` (null: any record). By
   * itself the partition becomes idle at `idleAtMs` of the wall clock (null: never), if nothing
   * comes.
   */
  | {
      readonly kind: 'record'
      readonly topic: string
      readonly partition: number
      readonly aboveMs: number | null
      readonly idleAtMs: number | null
    }
  /** Any record: all inputs are idle, and one of them is set to `idle: 'wait'`. */
  | { readonly kind: 'any-record' }
  /** The wall clock: all inputs are idle, and event time goes on at its pace. */
  | { readonly kind: 'clock' }
  /** Results under way from an asynchronous step. */
  | { readonly kind: 'results'; readonly pending: number }

/** A step with memory or timers. */
export interface StepTime {
  readonly step: string
  /** Event time as it sees it, ms; null before the first record. */
  readonly watermarkMs: number | null
  /** Event time at which it has something to do next (a window to close); null: nothing. */
  readonly dueMs: number | null
  /** Wall clock at which it has something to do next; null: nothing. */
  readonly clockDueMs: number | null
}

export interface TimeExplanation {
  /** Event time reached by the task, ms; null before the first record of each input. */
  readonly watermarkMs: number | null
  /** The inputs that hold it back: none where all are idle. */
  readonly heldBy: readonly InputTime[]
  readonly inputs: readonly InputTime[]
  /** null: the task has no inputs. */
  readonly release: TimeRelease | null
  readonly steps: readonly StepTime[]
}

export interface ExplainedTask {
  readonly cursors: readonly Cursor[]
  readonly watermark: Watermark
  readonly stateful: readonly StatefulStep[]
  readonly pendingResults: number
}

export function explainTime(task: ExplainedTask): TimeExplanation {
  const { cursors, watermark, stateful } = task
  const slowest = slowestOf(watermark)
  const inputs = cursors.map((cursor) => inputTime(cursor, slowest))
  return {
    watermarkMs: orNull(watermark.currentMs),
    heldBy: inputs.filter((input) => input.state === 'holds'),
    inputs,
    release: releaseOf(task, slowest),
    steps: stateful.map(({ step, operator, time }) => ({
      step,
      watermarkMs: orNull(time.watermarkMs),
      dueMs: orNull(operator.watermarkDueMs()),
      clockDueMs: orNull(operator.clockDueMs()),
    })),
  }
}

/** The active inputs that are furthest behind. */
function slowestOf({ inputs }: Watermark): ReadonlySet<InputClock> {
  const active = inputs.filter((input) => !input.idle)
  const least = Math.min(...active.map((input) => input.reachedMs))
  return new Set(active.filter((input) => input.reachedMs === least))
}

function inputTime(cursor: Cursor, slowest: ReadonlySet<InputClock>): InputTime {
  const { place, clock, isGlobal } = cursor
  return {
    ...place,
    reachedMs: orNull(clock.reachedMs),
    sinceMs: clock.reachedAtMs,
    state: isGlobal ? 'global' : clock.idle ? 'idle' : slowest.has(clock) ? 'holds' : 'ahead',
    hasBacklog: !clock.caughtUp,
  }
}

function releaseOf(task: ExplainedTask, slowest: ReadonlySet<InputClock>): TimeRelease | null {
  const { cursors, watermark, pendingResults } = task
  if (pendingResults > 0) return { kind: 'results', pending: pendingResults }
  if (watermark.inputs.length === 0) return null
  const holding = cursors.find(({ clock }) => slowest.has(clock))
  if (holding === undefined) {
    const waits = watermark.inputs.some(({ spec }) => spec.idle === 'wait')
    return waits ? { kind: 'any-record' } : { kind: 'clock' }
  }
  const { clock, place, marks } = holding
  const { outOfOrderMs, idleAfterMs } = clock.spec
  const reachedMs = orNull(clock.reachedMs)
  return {
    kind: 'record',
    ...place,
    aboveMs: reachedMs === null || marks !== null ? reachedMs : reachedMs + outOfOrderMs,
    idleAtMs: clock.caughtUp ? orNull(clock.lastRecordAtMs + idleAfterMs) : null,
  }
}

function orNull(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
