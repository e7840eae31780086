/**
 * Error 82 says that another process has our instance id. Soon after our own joining it need not be
 * so: a request that was given up for lost, ours or that of the process which had the place before,
 * may be carried out late, or a coordinator that moved may remember an older member. Then the place
 * is taken back, a few times; of two processes that really share an id, one soon has used them up.
 */
import type { Clock } from '../../../core/clock.ts'

/** So often within so many session time-outs. */
const timesMax = 3
const windowSessions = 10

export class Retake {
  readonly #clock: Clock
  readonly #sessionTimeoutMs: number
  #doubtUntilMs = Number.POSITIVE_INFINITY
  /** When it was done, the newest last. */
  #retakenMs: readonly number[] = []

  constructor({ clock, sessionTimeoutMs }: { clock: Clock; sessionTimeoutMs: number }) {
    this.#clock = clock
    this.#sessionTimeoutMs = sessionTimeoutMs
  }

  /** A join without a member id is sent. */
  entering(): void {
    this.#doubtUntilMs = Number.POSITIVE_INFINITY
  }

  /** The group has formed, with us. */
  entered(): void {
    const untilMs = this.#clock.monotonic() + this.#sessionTimeoutMs
    this.#doubtUntilMs = Math.min(this.#doubtUntilMs, untilMs)
  }

  /** @returns whether the place is to be taken back; else it is another process's */
  try(): boolean {
    const nowMs = this.#clock.monotonic()
    const sinceMs = nowMs - windowSessions * this.#sessionTimeoutMs
    const recent = this.#retakenMs.filter((atMs) => atMs > sinceMs)
    if (recent.length >= timesMax || nowMs >= this.#doubtUntilMs) return false
    this.#retakenMs = [...recent, nowMs]
    return true
  }
}
