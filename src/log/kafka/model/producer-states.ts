/**
 * What a partition remembers of those who write to it: epochs, and the numbers of their last five
 * batches, so that one that comes again is known (org.apache.kafka.storage's
 * ProducerStateManager).
 */
import { sequenceAfter } from '../records/encode.ts'
import { errorCode } from '../wire/error-codes.ts'

/** What a batch says about its sender. */
export interface Sender {
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
  readonly recordCount: number
  readonly isTransactional: boolean
}

interface Remembered {
  readonly sequence: number
  readonly recordCount: number
  readonly offset: number
}

interface ProducerState {
  epoch: number
  batches: Remembered[]
}

const batchesMax = 5

export class ProducerStates {
  readonly #states = new Map<number, ProducerState>()
  readonly #kind: 'right' | 'believes all'

  /** @param kind `believes all`: any batch is taken for a new one; for tests with wrong brokers */
  constructor(kind: 'right' | 'believes all' = 'right') {
    this.#kind = kind
  }

  /** `offset`: where the same batch lies already; null: it is not there. */
  check(sender: Sender): { readonly code: number; readonly offset: number | null } {
    const { epoch, sequence, recordCount } = sender
    const state = this.#states.get(sender.producerId)
    const ok = { code: errorCode.none, offset: null }
    if (this.#kind === 'believes all') return ok
    const outOfOrder = { code: errorCode.outOfOrderSequenceNumber, offset: null }
    // Retention may have taken all that is known of an idempotent producer.
    if (state === undefined) return sequence === 0 || !sender.isTransactional ? ok : outOfOrder
    if (epoch < state.epoch) return { code: errorCode.invalidProducerEpoch, offset: null }
    if (epoch > state.epoch) return sequence === 0 ? ok : outOfOrder
    const same = state.batches.find(
      (batch) => batch.sequence === sequence && batch.recordCount === recordCount,
    )
    if (same !== undefined) return { code: errorCode.none, offset: same.offset }
    const last = state.batches.at(-1)
    const expected = last === undefined ? 0 : sequenceAfter(last.sequence, last.recordCount)
    return sequence === expected ? ok : outOfOrder
  }

  /** Of a batch that was checked. */
  wrote({ producerId, epoch, sequence, recordCount }: Sender, offset: number): void {
    const state = this.#of(producerId, epoch)
    state.batches.push({ sequence, recordCount, offset })
    if (state.batches.length > batchesMax) state.batches.shift()
  }

  /** A transaction was ended as of this epoch: what comes as of one before it is refused. */
  ended(producerId: number, epoch: number): void {
    this.#of(producerId, epoch)
  }

  #of(producerId: number, epoch: number): ProducerState {
    const known = this.#states.get(producerId)
    if (known !== undefined && known.epoch >= epoch) return known
    const state = { epoch, batches: [] }
    this.#states.set(producerId, state)
    return state
  }
}
