/**
 * The heartbeat's timer, and what it tells about this process: a session ends for us when no
 * heartbeat that was sent within the session time-out has been answered, by the monotonic clock,
 * which is never later than it ends for the coordinator; and a timer that is late by much says that
 * the event loop was blocked.
 */
import type { Clock } from '../../../core/clock.ts'
import type { NotifyGroup } from './group-event.ts'

export interface PulseOptions {
  readonly clock: Clock
  readonly everyMs: number
  readonly sessionTimeoutMs: number
  /**
   * Sends a heartbeat where there is a session, takes its answer in, and calls `prove`. Never
   * rejects. One at a time.
   */
  readonly beat: () => Promise<void>
  /** The session is over by our clock. @param text why, one clause */
  readonly expired: (text: string) => void
  readonly notify: NotifyGroup
}

export class Pulse {
  readonly #options: PulseOptions
  /** When the newest heartbeat was sent that the coordinator has accepted; null: no session. */
  #provenMs: number | null = null
  #current: Promise<void> = Promise.resolve()
  #isBeating = false
  #next: Promise<void> | null = null
  #cancel: (() => void) | null = null
  /** How long the event loop was last blocked; told when it is known what came of it. */
  #blockedMs = 0

  constructor(options: PulseOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#cancel === null) this.#arm()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#provenMs = null
  }

  /** The coordinator accepted what was sent at `sentMs` (monotonic): the session goes on. */
  prove(sentMs: number): void {
    this.#provenMs = Math.max(this.#provenMs ?? sentMs, sentMs)
    if (this.#blockedMs === 0) return
    const text = `${this.#blockedText()}; the group membership was kept`
    this.#options.notify({ kind: 'blocked', text })
    this.#blockedMs = 0
  }

  /** There is no session any more. */
  forget(): void {
    this.#provenMs = null
  }

  /** False, too, while there is no session. */
  get isExpired(): boolean {
    const { clock, sessionTimeoutMs } = this.#options
    return this.#provenMs !== null && clock.monotonic() - this.#provenMs >= sessionTimeoutMs
  }

  /** A heartbeat that is sent after this call; resolves when it is answered, or has failed. */
  beatNow(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = null
      return this.#run()
    })
    return this.#next
  }

  #run(): Promise<void> {
    this.#isBeating = true
    this.#current = this.#options.beat().finally(() => {
      this.#isBeating = false
    })
    return this.#current
  }

  #arm(): void {
    const { clock, everyMs } = this.#options
    const dueMs = clock.monotonic() + everyMs
    this.#cancel = clock.after(everyMs, () => {
      this.#arm()
      this.#tick(clock.monotonic() - dueMs)
    })
  }

  #tick(lateMs: number): void {
    const { sessionTimeoutMs, expired, notify } = this.#options
    // Half of the session: then the next such block may cost it.
    if (this.#provenMs !== null && lateMs >= sessionTimeoutMs / 2) this.#blockedMs = lateMs
    if (this.isExpired) {
      const isBlocked = this.#blockedMs > 0
      const text = isBlocked
        ? `${this.#blockedText()}, over the session time-out of ${sessionTimeoutMs} ms`
        : `no heartbeat was answered for the session time-out of ${sessionTimeoutMs} ms`
      if (isBlocked) notify({ kind: 'blocked', text: `${text}; the group membership was lost` })
      this.#blockedMs = 0
      this.forget()
      expired(text)
      return
    }
    if (!this.#isBeating && this.#next === null) void this.#run()
  }

  #blockedText(): string {
    return `the event loop was blocked for ${Math.round(this.#blockedMs)} ms`
  }
}
