/**
 * The key and time that a handler of `process` works for. One object for each step: handles look
 * here, so that nothing is made for a record.
 */
import { MillraceError } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'

export class InHand {
  #key: Key | null = null
  timeMs = 0
  watermarkMs: number = Number.NEGATIVE_INFINITY

  /** @throws `step-failed` outside of a handler: what a handler was given is valid while it runs */
  get key(): Key {
    if (this.#key !== null) return this.#key
    throw new MillraceError('step-failed', 'no record or timer of this step is in hand', {
      hint: 'use state, timers and outputs inside onRecord and onTimer only, synchronously',
    })
  }

  begin(key: Key, timeMs: number, watermarkMs: number): void {
    this.#key = key
    this.timeMs = timeMs
    this.watermarkMs = watermarkMs
  }

  end(): void {
    this.#key = null
  }
}
