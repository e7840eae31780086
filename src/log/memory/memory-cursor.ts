/** Next offsets on some partitions, and waiting for more: what a reader and a session share. */
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { RecordBatch } from '../batch.ts'
import type { Reader } from '../log.ts'
import type { MemoryPartition } from './memory-partition.ts'

export type WaitResult = 'ready' | 'timeout' | 'closed'

export interface CursorInput {
  readonly partition: MemoryPartition
  /** Next offset to read. */
  offset: number
}

/**
 * Nothing is prefetched: a poll hands out a stored block, so memory does not grow with the lag.
 * [L6]
 */
export class MemoryCursor implements Reader {
  readonly #inputs: readonly CursorInput[]
  readonly #clock: Clock
  readonly #onClose: () => void
  #state: 'open' | 'fenced' | 'closed' = 'open'
  #isWoken = false
  #finishWait: ((result: WaitResult) => void) | null = null

  constructor(inputs: readonly CursorInput[], clock: Clock, onClose: () => void) {
    this.#inputs = inputs
    this.#clock = clock
    this.#onClose = onClose
  }

  get isFenced(): boolean {
    return this.#state === 'fenced'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  poll(input: number): RecordBatch | null {
    const place = this.#input(input)
    const batch = place.partition.read(place.offset)
    if (batch !== null) place.offset = batch.nextOffset
    return batch
  }

  async wait(timeoutMs: number): Promise<WaitResult> {
    this.checkOpen()
    assert(this.#finishWait === null, () => 'wait was called while another wait is pending')
    if (this.#state === 'fenced') return 'closed'
    if (this.#isWoken || this.#hasRecords()) {
      this.#isWoken = false
      return 'ready'
    }
    if (timeoutMs <= 0) return 'timeout'
    return await this.#suspend(timeoutMs)
  }

  #suspend(timeoutMs: number): Promise<WaitResult> {
    return new Promise((resolve) => {
      const onAppend = (): void => {
        if (this.#hasRecords()) this.#finishWait?.('ready')
      }
      const cancel =
        timeoutMs === Infinity
          ? null
          : this.#clock.after(timeoutMs, () => this.#finishWait?.('timeout'))
      for (const { partition } of this.#inputs) partition.waiters.add(onAppend)
      this.#finishWait = (result) => {
        this.#finishWait = null
        cancel?.()
        for (const { partition } of this.#inputs) partition.waiters.delete(onAppend)
        resolve(result)
      }
    })
  }

  #hasRecords(): boolean {
    return this.#inputs.some(({ partition, offset }) => partition.hasRecordsFrom(offset))
  }

  wake(): void {
    this.checkOpen()
    if (this.#finishWait !== null) this.#finishWait('ready')
    else this.#isWoken = true
  }

  endOffset(input: number): number {
    return this.#input(input).partition.endOffset
  }

  seek(input: number, offset: number): void {
    const place = this.#input(input)
    place.offset = startingOffset(place.partition, offset)
  }

  /** Ends a pending wait; polling may go on, as it harms nobody. */
  fence(): void {
    if (this.#state === 'open') this.#state = 'fenced'
    this.#finishWait?.('closed')
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#finishWait?.('closed')
    this.#onClose()
  }

  /** @throws `log-closed` */
  checkOpen(): void {
    if (this.#state === 'closed')
      throw new MillraceError('log-closed', 'the reader or session was closed')
  }

  #input(input: number): CursorInput {
    this.checkOpen()
    const place = this.#inputs[input]
    if (place !== undefined) return place
    throw new MillraceError(
      'invalid-argument',
      `there is no input ${input}, inputs are 0 to ${this.#inputs.length - 1}`,
    )
  }
}

/**
 * `offset`, moved up to the partition's start.
 * @throws `offset-out-of-range` above the end · `invalid-argument`
 */
export function startingOffset(partition: MemoryPartition, offset: number): number {
  const at = { topic: partition.topic, partition: partition.partition }
  if (!Number.isInteger(offset) || offset < 0) {
    throw new MillraceError('invalid-argument', `${offset} is not an offset`, { at })
  }
  if (offset > partition.endOffset) {
    throw new MillraceError(
      'offset-out-of-range',
      `offset ${offset} is above the end ${partition.endOffset}`,
      { at, hint: 'start at the end, or at an earlier offset' },
    )
  }
  return Math.max(offset, partition.startOffset)
}
