/** Partitions that one task or reader follows; see `FetchSet` in contracts.ts. */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import { BatchBuilder, BlockPool } from '../../batch.ts'
import type { RecordBatch } from '../../batch.ts'
import type { TopicPartition } from '../../log.ts'
import type { FetchSet, OutOfRange } from '../contracts.ts'
import { FetchInput } from './fetch-input.ts'
import { closedError } from './out-of-range.ts'

export interface FetchSetOptions {
  readonly clock: Clock
  readonly outOfRange: OutOfRange
  readonly onRoom: (input: FetchInput) => void
  readonly onSeek: (input: FetchInput) => void
  readonly onClose: (set: KafkaFetchSet) => void
}

/** Of decoded batches that wait to be used again. */
const spareBytesMax = 2 << 20

type Waiting = (result: 'ready' | 'closed') => void

export class KafkaFetchSet implements FetchSet {
  readonly inputs: readonly FetchInput[]
  readonly #options: FetchSetOptions
  readonly #builder = new BatchBuilder()
  readonly #pool = new BlockPool(spareBytesMax)
  #isWoken = false
  #isClosed = false
  #waiting: Waiting | null = null

  constructor(
    places: readonly (TopicPartition & { readonly offset: number })[],
    options: FetchSetOptions,
  ) {
    this.#options = options
    const tell = (): void => this.#waiting?.('ready')
    this.inputs = places.map((place) => new FetchInput(place, place.offset, tell))
  }

  get outOfRange(): OutOfRange {
    return this.#options.outOfRange
  }

  poll(input: number): RecordBatch | null {
    this.#checkOpen()
    const one = this.#input(input)
    const batch = one.poll(this.#builder, this.#pool)
    if (batch !== null) this.#options.onRoom(one)
    return batch
  }

  release(batch: RecordBatch): void {
    this.#pool.give(batch.bytes.buffer as ArrayBuffer)
  }

  behind(input: number): boolean {
    return this.#input(input).isBehind()
  }

  endOffset(input: number): number {
    this.#checkOpen()
    return this.#input(input).endOffset
  }

  seek(input: number, offset: number): void {
    this.#checkOpen()
    const one = this.#input(input)
    one.seek(offset)
    this.#options.onSeek(one)
  }

  wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    if (this.#isClosed) return Promise.reject(closedError())
    const { clock } = this.#options
    if (this.#isWoken || this.#hasAny()) {
      this.#isWoken = false
      // Whoever waits for one input while another has records must let answers come in.
      return clock.nextTurn().then(() => 'ready')
    }
    if (timeoutMs <= 0) return Promise.resolve('timeout')
    return new Promise((resolve) => {
      const cancel = Number.isFinite(timeoutMs)
        ? clock.after(timeoutMs, () => {
            this.#waiting = null
            resolve('timeout')
          })
        : (): void => {}
      this.#waiting = (result) => {
        cancel()
        this.#waiting = null
        this.#isWoken = false
        resolve(result)
      }
    })
  }

  wake(): void {
    this.#isWoken = true
    this.#waiting?.('ready')
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const one of this.inputs) one.close()
    this.#options.onClose(this)
    this.#waiting?.('closed')
  }

  #hasAny(): boolean {
    return this.inputs.some((one) => one.hasRecords || one.failure !== null)
  }

  #input(input: number): FetchInput {
    const one = this.inputs[input]
    if (one === undefined) throw new MillraceError('invalid-argument', `there is no input ${input}`)
    return one
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError()
  }
}
