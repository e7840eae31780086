/** The world outside of a task under test: its timers follow the virtual clock. */
import type { Outside } from '../engine/operators/operator.ts'

export class VirtualOutside implements Outside {
  #nowMs: number
  #timers: { readonly dueMs: number; readonly run: () => void }[] = []
  #hear: () => void = () => {}

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  after(ms: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  wake(): void {
    this.#hear()
  }

  /** Resolves with the next `wake`. */
  woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#hear = resolve
    })
  }

  /** When the next timer is due; Infinity: there is none. */
  get dueMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#timers.map(({ dueMs }) => dueMs))
  }

  /** The clock stands at `nowMs`: runs what is due, in order of due time, then of creation. */
  reach(nowMs: number): void {
    this.#nowMs = nowMs
    for (;;) {
      const { dueMs } = this
      const next = this.#timers.find((timer) => timer.dueMs === dueMs)
      if (next === undefined || dueMs > nowMs) return
      this.#timers = this.#timers.filter((other) => other !== next)
      next.run()
    }
  }
}
