/** Spreads records evenly over time: `--rate`. */
import type { Clock } from '../core/clock.ts'

/** After a pause of the input, this much is made up for; timers are no finer than 1 ms. */
const catchUpMs = 50

export class Pace {
  readonly #clock: Clock
  readonly #gapMs: number
  #dueMs: number

  /** @param perSecond above 0 */
  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#gapMs = 1000 / perSecond
    this.#dueMs = clock.monotonic()
  }

  /** Counts one record. @returns ms to wait before it; 0: none */
  take(): number {
    const nowMs = this.#clock.monotonic()
    const dueMs = Math.max(this.#dueMs, nowMs - catchUpMs)
    this.#dueMs = dueMs + this.#gapMs
    return Math.max(0, dueMs - nowMs)
  }
}
