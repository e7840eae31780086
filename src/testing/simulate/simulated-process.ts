/**
 * One process of a simulation: what it asks of the log passes here, where it can stand still or
 * die. A dead process gets no answer any more, and nothing that it still does reaches the log.
 */
import type { Clock } from '../../core/clock.ts'
import { clockOf, type Life, type SimulatedTime } from './simulated-time.ts'

export class SimulatedProcess implements Life {
  readonly number: number
  readonly clock: Clock
  /** Since when it stands still, virtual ms; null: it runs. */
  pausedSinceMs: number | null = null
  /** Another process has taken its tasks. */
  isReplaced = false
  readonly #time: SimulatedTime
  #isDead = false
  #held: (() => void)[] = []

  constructor(number: number, time: SimulatedTime) {
    this.number = number
    this.#time = time
    this.clock = clockOf(time, this)
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** It runs now: neither dead nor paused. */
  get isActive(): boolean {
    return !this.#isDead && this.pausedSinceMs === null
  }

  run(work: () => void): void {
    if (this.#isDead) return
    if (this.pausedSinceMs === null) work()
    else this.#held.push(work)
  }

  crash(): void {
    this.#isDead = true
    this.#held = []
  }

  pause(ms: number): void {
    if (this.pausedSinceMs !== null) return
    this.pausedSinceMs = this.#time.monotonicMs
    this.#time.after(ms, () => {
      this.pausedSinceMs = null
      const held = this.#held
      this.#held = []
      for (const work of held) this.run(work)
    })
  }

  /** Resolves when the process runs; never in a dead one. */
  turn(): Promise<void> {
    if (this.isActive) return Promise.resolve()
    return new Promise((resolve) => this.run(resolve))
  }

  /** A call of the log: made and answered while the process runs. */
  async call<R>(work: () => Promise<R>): Promise<R> {
    await this.turn()
    try {
      return await work()
    } finally {
      await this.turn()
    }
  }
}
