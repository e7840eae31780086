/**
 * One reader's waiting: ends with news, a wake-up, the time, or the end. Never misses a commit
 * between a look and the wait.
 */
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import type { WakeHub } from './wake.ts'

export type WaitResult = 'ready' | 'timeout' | 'closed'

/** What there is now: news to be read, nothing, or the end of reading. */
export type Look = () => 'ready' | 'closed' | null

export class Waiting {
  readonly #hub: WakeHub
  readonly #clock: Clock
  readonly #look: Look
  #isWoken = false
  #finish: ((result: WaitResult) => void) | null = null

  constructor(hub: WakeHub, clock: Clock, look: Look) {
    this.#hub = hub
    this.#clock = clock
    this.#look = look
  }

  /** @throws what `look` throws */
  async wait(timeoutMs: number): Promise<WaitResult> {
    assert(this.#finish === null, () => 'wait was called while another wait is pending')
    if (this.#takeWake()) return 'ready'
    const before = this.#look()
    if (before !== null) return before
    if (!(timeoutMs > 0)) return 'timeout'
    return await this.#suspend(timeoutMs)
  }

  #suspend(timeoutMs: number): Promise<WaitResult> {
    return new Promise((resolve, reject) => {
      let cancel: (() => void) | null = null
      const leave = this.#hub.add(() => attend(), 'waiting')
      const end = (): void => {
        this.#finish = null
        cancel?.()
        leave()
      }
      this.#finish = (result) => {
        end()
        resolve(result)
      }
      const attend = (): void => {
        try {
          const found = this.#look()
          if (found !== null) this.#finish?.(found)
        } catch (error) {
          end()
          reject(error as Error)
        }
      }
      if (timeoutMs !== Infinity)
        cancel = this.#clock.after(timeoutMs, () => this.#finish?.('timeout'))
      attend() // again, now that every commit is reported: one may have come since the first look
    })
  }

  #takeWake(): boolean {
    const woken = this.#isWoken
    this.#isWoken = false
    return woken
  }

  wake(): void {
    if (this.#finish === null) this.#isWoken = true
    else this.#finish('ready')
  }

  /** Ends a pending wait. */
  end(): void {
    this.#finish?.('closed')
  }
}
