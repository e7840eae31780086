/**
 * The only door to wall-clock time and timers. Everything else takes a `Clock`, so that tests can
 * make time virtual.
 */

/** Wall-clock time in ms since 1970 and one-shot timers. */
export interface Clock {
  /** Wall-clock time, ms since 1970-01-01 UTC. May step when the machine's clock is set. */
  now(): number
  /** Monotonic time in ms with a fraction; only differences mean something. */
  monotonic(): number
  /**
   * Calls `run` once after at least `delayMs` (>= 0). The returned function cancels it; calling
   * that twice is harmless.
   */
  after(delayMs: number, run: () => void): () => void
  /**
   * Resolves after what is waiting in the event loop (I/O, other threads' answers) has had its
   * turn.
   */
  nextTurn(): Promise<void>
}

/** setTimeout's largest delay; longer ones would fire at once. */
const timeoutMsMax = 2_147_483_647

/** The machine's clock. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(delayMs, timeoutMsMax))
    return () => clearTimeout(timer)
  },
  nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
}

/**
 * A clock that stands still until `advance` moves it; its timers run in order of due time, then of
 * creation.
 */
export class VirtualClock implements Clock {
  #nowMs: number
  #timers: { dueMs: number; run: () => void }[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  nextTurn(): Promise<void> {
    return Promise.resolve()
  }

  /** Moves time forward by `byMs`, running each timer that falls due at its due time. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      let next: { dueMs: number; run: () => void } | undefined
      for (const timer of this.#timers) {
        if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer
      }
      if (next === undefined) break
      const due = next
      this.#timers = this.#timers.filter((other) => other !== due)
      this.#nowMs = Math.max(this.#nowMs, due.dueMs)
      due.run()
    }
    this.#nowMs = endMs
  }
}
