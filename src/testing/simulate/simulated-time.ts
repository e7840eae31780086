/**
 * The time of a simulation: it stands still while anything can run, then jumps to the next timer.
 * Two lines of it. The monotonic one goes on with every jump. The wall clock stands until it is let
 * go, so that while input is read no partition falls idle only because a fault took long.
 */
import type { Clock } from '../../core/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

export class SimulatedTime {
  wallMs: number
  monotonicMs = 0
  isWallStanding = true
  #timers: Timer[] = []

  constructor(wallMs: number) {
    this.wallMs = wallMs
  }

  /** @returns what cancels it */
  after(delayMs: number, run: () => void): () => void {
    if (delayMs === Number.POSITIVE_INFINITY) return () => {}
    const timer = { dueMs: this.monotonicMs + Math.max(0, delayMs), run }
    // After those of the same time: timers of one instant run in the order of their making.
    let at = this.#timers.length
    while (at > 0 && (this.#timers[at - 1] as Timer).dueMs > timer.dueMs) at -= 1
    this.#timers.splice(at, 0, timer)
    return () => {
      const found = this.#timers.indexOf(timer)
      if (found >= 0) this.#timers.splice(found, 1)
    }
  }

  /** Jumps to the next timer and runs it. @returns false where there is none */
  step(): boolean {
    const timer = this.#timers.shift()
    if (timer === undefined) return false
    const byMs = timer.dueMs - this.monotonicMs
    this.monotonicMs = timer.dueMs
    if (!this.isWallStanding) this.wallMs += byMs
    timer.run()
    return true
  }
}

/** Whether a simulated process gets the processor: a paused one runs later, a dead one never. */
export interface Life {
  /** Runs `work` now, when the pause is over, or never. */
  run(work: () => void): void
}

/** The clock as one simulated process has it. */
export function clockOf(time: SimulatedTime, life: Life): Clock {
  const after = (ms: number, run: () => void): (() => void) => time.after(ms, () => life.run(run))
  return {
    now: () => time.wallMs,
    monotonic: () => time.monotonicMs,
    after,
    nextTurn: () => new Promise((resolve) => void after(0, resolve)),
  }
}
