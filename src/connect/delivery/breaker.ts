/**
 * The circuit breaker of a destination (M. Nygard, Release It!, 2007): closed, tries go through;
 * open, none does for a while; then one at a time is a probe, and the first that succeeds closes
 * it.
 *
 * It opens when the destination is away, or when several different tries have failed in a row: one
 * bad record that fails again and again does not open it, and while it is open no record's tries
 * are used up.
 */
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { backoffMs } from './backoff.ts'
import type { FailureKind } from './failure.ts'

const openMsMin = 500
const openMsMax = 60_000

/** `probe`: made to find out whether the destination is back. */
export type TryKind = 'plain' | 'probe'

export interface BreakerOptions {
  readonly clock: Clock
  readonly random: Random
  /** Different tries that failed, without one between that succeeded. */
  readonly breakAfter: number
}

export class Breaker {
  readonly #options: BreakerOptions
  readonly #failed = new Set<unknown>()
  /** Times it has opened since the last success. */
  #openings = 0
  /** On the monotonic clock; null: closed. */
  #openUntilMs: number | null = null
  #isProbing = false

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  get state(): 'closed' | 'open' | 'probing' {
    if (this.#openUntilMs === null) return 'closed'
    return this.#isProbing ? 'probing' : 'open'
  }

  /** How long nothing may be tried, ms; 0: something may. Infinity: a probe is under way. */
  get waitMs(): number {
    if (this.#openUntilMs === null) return 0
    if (this.#isProbing) return Number.POSITIVE_INFINITY
    return Math.max(0, this.#openUntilMs - this.#options.clock.monotonic())
  }

  /** A try begins; only where `waitMs` is 0. */
  started(): TryKind {
    if (this.#openUntilMs === null) return 'plain'
    this.#isProbing = true
    return 'probe'
  }

  succeeded(): void {
    this.#failed.clear()
    this.#openings = 0
    this.#openUntilMs = null
    this.#isProbing = false
  }

  /**
   * @param what the same for all tries of one record
   * @returns whether the failure counts against what was tried
   */
  failed(what: unknown, kind: FailureKind, tried: TryKind): 'counts' | 'does not count' {
    // The destination has answered, and knows what it does not want.
    if (kind === 'refused') {
      this.succeeded()
      return 'counts'
    }
    const wasOpen = this.#openUntilMs !== null
    if (tried === 'probe') this.#isProbing = false
    // One that was under way when it opened says nothing new.
    if (wasOpen && tried === 'plain') return 'does not count'
    this.#failed.add(what)
    const isAway = wasOpen || kind === 'unavailable'
    if (isAway || this.#failed.size >= this.#options.breakAfter) this.#open()
    return isAway ? 'does not count' : 'counts'
  }

  /** The destination has said how long it wants to be left alone; only while it is open. */
  leaveAlone(pauseMs: number): void {
    if (this.#openUntilMs === null) return
    const endMs = this.#options.clock.monotonic() + pauseMs
    this.#openUntilMs = Math.max(this.#openUntilMs, endMs)
  }

  /** A try ended that says nothing of the destination: the run ends. */
  dropped(tried: TryKind): void {
    if (tried === 'probe') this.#isProbing = false
  }

  #open(): void {
    const { clock, random } = this.#options
    const ms = backoffMs(this.#openings, { random, firstMs: openMsMin, mostMs: openMsMax })
    this.#openings += 1
    this.#openUntilMs = clock.monotonic() + ms
    this.#failed.clear()
  }
}
