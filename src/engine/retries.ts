/**
 * How often what reads or writes the log is opened again after a failure, and after which pauses.
 */
import type { Clock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { Bell } from './bell.ts'
import { isAway } from './when-reachable.ts'

const retryMsMin = 50
const retryMsMax = 5_000

export interface RetryOptions {
  readonly clock: Clock
  /** Rung when `isStopping` may have become true. */
  readonly bell: Bell
  /** Failures in a row, without success between, after which it is given up. */
  readonly attemptsMax: number
  readonly isStopping: () => boolean
  /** Told before each pause. */
  readonly onPause: (error: unknown, attempt: number, inMs: number) => void
}

export class Retries {
  readonly #options: RetryOptions
  #failures = 0

  constructor(options: RetryOptions) {
    this.#options = options
  }

  /** Failures before it do not count any more. */
  succeeded(): void {
    this.#failures = 0
  }

  /**
   * Waits before the next try, longer each time.
   * @throws `thrown` where another try would not help, there were too many, or nobody wants one
   */
  async pause(thrown: unknown): Promise<void> {
    const { clock, bell, attemptsMax, isStopping, onPause } = this.#options
    // What is no MillraceError is a fault of the engine: it may be tried again like one.
    const retry = thrown instanceof MillraceError ? thrown.retry : 'reopen'
    this.#failures += 1
    const isTooOften = this.#failures >= attemptsMax && !isAway(thrown)
    const isFinal = isCode(thrown, 'task-fenced') || retry === 'never'
    if (isFinal || isTooOften || isStopping()) throw thrown
    const inMs = Math.min(retryMsMin * 2 ** Math.min(this.#failures - 1, 10), retryMsMax)
    onPause(thrown, this.#failures, inMs)
    const endMs = clock.monotonic() + inMs
    for (let leftMs = inMs; leftMs > 0 && !isStopping(); leftMs = endMs - clock.monotonic()) {
      await bell.wait(clock, leftMs)
    }
  }
}
