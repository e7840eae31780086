/** A wait that others can end. */
import type { Clock } from '../core/clock.ts'

/** For whoever waits for results: rung when one has come, and when something else is to be done. */
export class Bell {
  #rung = false
  #hear: (() => void) | null = null

  ring(): void {
    this.#rung = true
    this.#hear?.()
  }

  /** Resolves when it is rung, at once if it was since the last time, or after `timeoutMs`. */
  async wait(clock: Clock, timeoutMs: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(timeoutMs, resolve)
        this.#hear = () => {
          cancel()
          resolve()
        }
      })
      this.#hear = null
    }
    this.#rung = false
  }
}
