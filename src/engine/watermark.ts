/**
 * Watermarks: how far event time has come. Of an input partition: largest event time seen −
 * outOfOrder (or what its producers say, for a repartition topic); of the task: the least over the
 * inputs that are not idle. It never goes back. When all inputs are idle it goes on at the wall
 * clock's pace from where it stands, unless one of them says `wait`. (Dataflow model; idleness as
 * in Flink's WatermarkStrategy.withIdleness, plus the pace.)
 */

export interface InputClockSpec {
  readonly outOfOrderMs: number
  readonly idleAfterMs: number
  readonly idle: 'advance' | 'wait'
}

/** The event-time clock of one input partition. */
export class InputClock {
  readonly spec: InputClockSpec
  /** Event time that this input vouches for: nothing earlier is expected. */
  reachedMs: number = Number.NEGATIVE_INFINITY
  idle = false
  /** Whether nothing is left to read, as of the last tick. */
  caughtUp = true
  /** Wall clock as of the last tick, and when `reachedMs` last moved. */
  nowMs: number
  reachedAtMs: number
  /** Wall clock when a record last came, or reading began. */
  lastRecordAtMs: number

  constructor(spec: InputClockSpec, nowMs: number) {
    this.spec = spec
    this.lastRecordAtMs = nowMs
    this.nowMs = nowMs
    this.reachedAtMs = nowMs
  }

  /** The input vouches for an event time; an earlier one changes nothing. */
  reach(timeMs: number): void {
    if (timeMs <= this.reachedMs) return
    this.reachedMs = timeMs
    this.reachedAtMs = this.nowMs
  }

  /** How long no record has come, ms; no longer than it takes to fall idle. */
  get quietMs(): number {
    return Math.min(Math.max(0, this.nowMs - this.lastRecordAtMs), this.spec.idleAfterMs)
  }

  /** In an earlier run no record had come for so long: that goes on, as if nothing had happened. */
  restoreQuiet(quietMs: number): void {
    this.lastRecordAtMs = this.nowMs - quietMs
    this.idle = quietMs >= this.spec.idleAfterMs
  }

  /** Wall clock when it falls idle, if no record comes. */
  get idleAtMs(): number {
    return this.lastRecordAtMs + this.spec.idleAfterMs
  }
}

export class Watermark {
  readonly inputs: readonly InputClock[]
  /** The task's watermark, ms. */
  currentMs: number = Number.NEGATIVE_INFINITY
  /** Wall clock since when all inputs are idle; null: not all are. */
  get allIdleSinceMs(): number | null {
    return this.#allIdleSinceMs
  }

  #allIdleSinceMs: number | null = null
  #standingMs = 0

  constructor(inputs: readonly InputClock[]) {
    this.inputs = inputs
  }

  /**
   * An input has reached an event time. @returns what the task's watermark could move to, at least
   * the current one
   */
  reached(input: InputClock, timeMs: number): number {
    input.reach(timeMs)
    return this.candidate()
  }

  /** The least over the active inputs, at least the current watermark. */
  candidate(): number {
    let least = Number.POSITIVE_INFINITY
    for (const input of this.inputs)
      if (!input.idle && input.reachedMs < least) least = input.reachedMs
    return least === Number.POSITIVE_INFINITY || least < this.currentMs ? this.currentMs : least
  }

  /** A record came: the input is active. */
  active(input: InputClock, nowMs: number): void {
    input.lastRecordAtMs = nowMs
    input.idle = false
    this.#allIdleSinceMs = null
  }

  /**
   * The wall clock stands at `nowMs`. An input with a backlog is never idle.
   * @returns what the task's watermark could move to
   */
  tick(nowMs: number): number {
    let allIdle = this.inputs.length > 0
    const fallen: InputClock[] = []
    for (const input of this.inputs) {
      input.nowMs = nowMs
      if (!input.caughtUp) input.idle = false
      else if (!input.idle && nowMs >= input.idleAtMs) {
        input.idle = true
        fallen.push(input)
      }
      if (!input.idle) allIdle = false
    }
    if (!allIdle) {
      this.#allIdleSinceMs = null
      return this.candidate()
    }
    const standingMs = Math.max(this.currentMs, this.#leftAtMs(fallen))
    let sinceMs = this.#allIdleSinceMs
    // Marks of other tasks move event time without a record: then it goes on from there.
    if (sinceMs === null || standingMs > this.#standingMs + (nowMs - sinceMs)) {
      sinceMs = nowMs
      this.#allIdleSinceMs = nowMs
      this.#standingMs = standingMs
    }
    if (this.inputs.some((input) => input.spec.idle === 'wait'))
      return Math.max(this.currentMs, this.#standingMs)
    return Math.max(this.currentMs, this.#standingMs + (nowMs - sinceMs))
  }

  /**
   * Where inputs leave event time of which the last fell idle in this tick: where those stood that
   * fell idle last of all, for the others were idle by then, however seldom the clock is looked at.
   * Inputs that never had a record do not count.
   */
  #leftAtMs(fallen: readonly InputClock[]): number {
    const lastMs = Math.max(...fallen.map(({ idleAtMs }) => idleAtMs))
    const last = leastReached(fallen.filter(({ idleAtMs }) => idleAtMs === lastMs))
    const isKnown = last !== Number.NEGATIVE_INFINITY || this.currentMs !== Number.NEGATIVE_INFINITY
    return isKnown ? last : leastReached(this.inputs)
  }

  /**
   * Wall clock at which `tick` could move the watermark to `dueMs` or find an input idle; Infinity
   * when it can't by itself.
   */
  clockDueMs(nowMs: number, dueMs: number): number {
    let next = Number.POSITIVE_INFINITY
    let active = 0
    for (const input of this.inputs) {
      if (input.idle) continue
      active += 1
      next = Math.min(next, input.lastRecordAtMs + input.spec.idleAfterMs)
    }
    if (active > 0) return Math.max(next, nowMs + 1)
    if (
      this.#allIdleSinceMs === null ||
      !Number.isFinite(dueMs) ||
      !Number.isFinite(this.#standingMs)
    )
      return Number.POSITIVE_INFINITY
    if (this.inputs.some((input) => input.spec.idle === 'wait')) return Number.POSITIVE_INFINITY
    // What a restored step calls due may lie behind: it is looked at when event time moves again.
    return Math.max(nowMs + 1, this.#allIdleSinceMs + (dueMs - this.#standingMs))
  }
}

/** Of those that had a record; −Infinity: none had. */
function leastReached(inputs: readonly InputClock[]): number {
  let least = Number.POSITIVE_INFINITY
  for (const { reachedMs } of inputs)
    if (reachedMs !== Number.NEGATIVE_INFINITY) least = Math.min(least, reachedMs)
  return least === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : least
}
