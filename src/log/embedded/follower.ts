/** A reader that owns nothing. */
import type { Clock } from '../../core/clock.ts'
import type { RecordBatch } from '../batch.ts'
import type { Reader } from '../log.ts'
import { closedError } from './errors.ts'
import type { InputCursors } from './reader.ts'
import { Waiting, type WaitResult } from './waiting.ts'
import type { WakeHub } from './wake.ts'

export class Follower implements Reader {
  readonly #cursors: InputCursors
  readonly #waiting: Waiting
  readonly #onClose: (follower: Follower) => void
  #isOpen = true

  constructor(options: {
    readonly cursors: InputCursors
    readonly hub: WakeHub
    readonly clock: Clock
    readonly onClose: (follower: Follower) => void
  }) {
    this.#cursors = options.cursors
    this.#onClose = options.onClose
    this.#waiting = new Waiting(options.hub, options.clock, () => {
      if (!this.#isOpen) return 'closed'
      return this.#cursors.hasRecords() ? 'ready' : null
    })
  }

  poll(input: number): RecordBatch | null {
    this.#checkOpen()
    return this.#cursors.poll(input)
  }

  async wait(timeoutMs: number): Promise<WaitResult> {
    this.#checkOpen()
    return await this.#waiting.wait(timeoutMs)
  }

  wake(): void {
    this.#checkOpen()
    this.#waiting.wake()
  }

  endOffset(input: number): number {
    this.#checkOpen()
    return this.#cursors.endOffset(input)
  }

  seek(input: number, offset: number): void {
    this.#checkOpen()
    this.#cursors.seek(input, offset)
  }

  async close(): Promise<void> {
    this.#isOpen = false
    this.#waiting.end()
    this.#onClose(this)
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw closedError('the reader')
  }
}
