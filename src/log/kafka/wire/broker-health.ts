/** What is known of one broker: whether it answers, and when it may be tried again. */
import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'

const pauseMsMin = 50
const pauseMsMax = 1_000
/** Of the pause, taken off at random: processes that lost a broker do not all come at once. */
const jitter = 0.2

export interface Away {
  readonly sinceMs: number
  readonly reason: string
}

export interface HealthOptions {
  readonly clock: Clock
  readonly random: Random
  readonly onAnswer: () => void
  /** It answered nothing since the last `answered`, and this is the first failure. */
  readonly onAway: (away: Away) => void
  /** It answers again. */
  readonly onBack: (awayMs: number) => void
}

export class BrokerHealth {
  readonly #options: HealthOptions
  #away: Away | null = null
  #failures = 0
  #notBeforeMs = 0
  /** Connections that are up. */
  lineCount = 0

  constructor(options: HealthOptions) {
    this.#options = options
  }

  get away(): Away | null {
    return this.#away
  }

  /** How long to wait before the next connection, ms; 0: not at all. */
  pauseMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#options.clock.monotonic())
  }

  /** A request was answered: called for each one. */
  answered(): void {
    this.#failures = 0
    this.#notBeforeMs = 0
    this.#options.onAnswer()
    if (this.#away === null) return
    const awayMs = this.#options.clock.now() - this.#away.sinceMs
    this.#away = null
    this.#options.onBack(awayMs)
  }

  /** A connection could not be made, or was lost while something waited for an answer. */
  failed(reason: string): void {
    const { clock, random } = this.#options
    // Connections that are lost together are one failure: none is made during the pause.
    if (this.pauseMs() === 0) {
      const pauseMs = Math.min(pauseMsMin * 2 ** Math.min(this.#failures, 10), pauseMsMax)
      this.#failures += 1
      this.#notBeforeMs = clock.monotonic() + pauseMs * (1 - jitter * random.next())
    }
    const isFirst = this.#away === null
    this.#away = { sinceMs: this.#away?.sinceMs ?? clock.now(), reason }
    if (isFirst) this.#options.onAway(this.#away)
  }
}
