/**
 * The time that windows follow: the event time of the step, or the wall clock. Operators of windows
 * are written once against it.
 */
import type { Key } from '../../core/key.ts'
import type { WindowTime } from '../../pipeline/window-spec.ts'
import { never } from '../operators/operator.ts'
import type { Stateful, StepContext, TaskContext, Upcoming } from '../operators/operator.ts'
import type { Store } from '../state/store.ts'

/** What the operator of a kind of windows owes. */
export interface TimedWindows {
  /** The stores are filled; `reached` is as it was at the commit. */
  restored(): void
  /**
   * Its time has come to `toMs`: all that is due up to it happens, in order. `reached` still is the
   * old time meanwhile.
   */
  advance(toMs: number): void
  /** Least time at which `advance` has something to do; Infinity when none. */
  dueMs(): number
  /** Gives early results of what has changed since the last call. */
  flush(): void
  /** Windows that are open, of each key, where they end by time. As `Stateful.upcoming`. */
  open?(): readonly OpenWindow[]
}

export interface OpenWindow {
  readonly key: Key
  readonly startMs: number
  readonly endMs: number
  /** When it closes. */
  readonly dueMs: number
}

/** How far time has come. Of the wall clock: when windows were last closed. */
interface Reached {
  watermarkMs: number
}

export class WindowClock {
  readonly isEvent: boolean
  readonly reached: Readonly<Reached>
  readonly early: EarlyTimer | null
  readonly #task: TaskContext
  readonly #wall: Wall | null

  constructor(time: WindowTime, earlyMs: number | null, context: StepContext) {
    this.isEvent = time === 'event'
    this.#task = context.task
    this.#wall = time === 'event' ? null : wallOf(context)
    this.reached = this.#wall === null ? context.time : this.#wall
    this.early = earlyMs === null ? null : new EarlyTimer(earlyMs, context.task)
  }

  /**
   * Time of the record in hand. The wall clock may be put back; windows that it has closed stay
   * closed.
   */
  timeOf(timeMs: number): number {
    return this.isEvent ? timeMs : Math.max(this.#task.nowMs, this.reached.watermarkMs)
  }

  drive(windows: TimedWindows): Stateful {
    const { early } = this
    const wall = this.#wall
    const flush = (nowMs: number): void => {
      if (early === null || early.dueMs > nowMs) return
      early.dueMs = never
      windows.flush()
    }
    const earlyDueMs = (): number => (early === null ? never : early.dueMs)
    const time = this.isEvent ? 'event' : 'processing'
    const upcoming = (): Upcoming[] | null =>
      windows.open?.().map((one) => ({ ...one, kind: 'window', name: '', time })) ?? null
    const rest = { onStop: () => {}, upcoming }
    if (wall === null) {
      return {
        ...rest,
        onRestored: () => windows.restored(),
        onWatermark: (watermarkMs) => windows.advance(watermarkMs),
        watermarkDueMs: () => windows.dueMs(),
        onClock: flush,
        clockDueMs: earlyDueMs,
      }
    }
    return {
      ...rest,
      onRestored: () => {
        wall.restore()
        windows.restored()
      },
      onWatermark: () => {},
      watermarkDueMs: () => never,
      onClock: (nowMs) => {
        if (windows.dueMs() <= nowMs) {
          windows.advance(nowMs)
          wall.keep(nowMs)
        }
        flush(nowMs)
      },
      clockDueMs: () => Math.min(windows.dueMs(), earlyDueMs()),
    }
  }
}

interface Wall extends Reached {
  restore(): void
  keep(nowMs: number): void
}

/** Store `<step>/clock`: how far windows have been closed, so that a new run closes none again. */
function wallOf(context: StepContext): Wall {
  const store: Store = context.store({ part: 'clock', toState: same, fromState: same })
  const place: Key = ''
  return {
    watermarkMs: Number.NEGATIVE_INFINITY,
    restore() {
      const kept = store.get(place)
      if (typeof kept === 'number') this.watermarkMs = kept
    },
    keep(nowMs) {
      this.watermarkMs = nowMs
      store.set(place, nowMs)
    },
  }
}

/**
 * When early results are given: at the first multiple of `everyMs` (since 1970) of the wall clock
 * behind a change. So it does not matter when a run began.
 */
export class EarlyTimer {
  dueMs: number = never
  readonly #everyMs: number
  readonly #task: TaskContext

  constructor(everyMs: number, task: TaskContext) {
    this.#everyMs = everyMs
    this.#task = task
  }

  /** Something has changed. */
  arm(): void {
    if (this.dueMs === never) this.dueMs = nextMultiple(this.#task.nowMs, this.#everyMs)
  }
}

/** The first multiple of a step that is above. */
export function nextMultiple(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs + stepMs
}

const same = (value: unknown): unknown => value
