/**
 * The transactions of a cluster as their coordinators keep them
 * (org.apache.kafka.coordinator.transaction): who holds a transactional id, what its transaction
 * has touched, how it ended. Both protocols: that of KIP-98, and the second part of KIP-890, where
 * every end raises the epoch.
 *
 * An end is decided at once; its markers are written later, each on its own. All that is decided
 * is kept: nothing is lost where another broker takes over.
 */
import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { DescribedTransaction } from '../wire/requests/describe-transactions.ts'
import type { EndTxnAnswer, EndTxnRequest, Producer } from '../wire/requests/end-txn.ts'
import type {
  InitProducerIdAnswer,
  InitProducerIdRequest,
} from '../wire/requests/init-producer-id.ts'

export interface HeldId {
  readonly producerId: number
  readonly epoch: number
}

export type Outcome = 'commit' | 'abort'

type State = 'Empty' | 'Ongoing' | `Prepare${Ended}` | `Complete${Ended}`
type Ended = 'Commit' | 'Abort'

interface Transaction {
  id: HeldId
  /** As whom the holder may ask again what it asked before the epoch rose; null: as nobody. */
  previous: HeldId | null
  timeoutMs: number
  state: State
  /** What the transaction has touched: partitions and groups, as the brokers name them. */
  touched: Set<string>
  cancelTimeout: () => void
}

export interface TransactionsOptions {
  readonly clock: Clock
  readonly random: Random
  /** Writes the marker to one partition or group. */
  readonly mark: (touched: string, as: HeldId, outcome: Outcome) => void
  /** How long a marker is on its way, ms: up to this. */
  readonly markerMsMax: number
  /** The epoch after which a producer gets a new id. Kafka's is 32,766. */
  readonly epochMax: number
}

/** `transaction.max.timeout.ms`. */
const timeoutMsMax = 900_000
/** Transactions that are open for too long are looked for so often. */
const scanMs = 10_000

const c = errorCode

export class TransactionCoordinator {
  readonly #options: TransactionsOptions
  readonly #transactions = new Map<string, Transaction>()
  /** Who was given which id, also long ago. */
  readonly #owners = new Map<number, string>()
  #producerIds = 999

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  /** Whose producer id it is, or was; undefined: of no transactional id. */
  ownerOf(producerId: number): string | undefined {
    return this.#owners.get(producerId)
  }

  init({ transactionalId, timeoutMs, held }: InitProducerIdRequest): InitProducerIdAnswer {
    if (transactionalId === null) return { code: c.none, ...this.#newId(null) }
    if (timeoutMs > timeoutMsMax || timeoutMs < 1) return refused(c.invalidTransactionTimeout)
    const known = this.#transactions.get(transactionalId)
    if (known === undefined) {
      const id = this.#newId(transactionalId)
      const rest = { previous: null, touched: new Set<string>(), cancelTimeout: (): void => {} }
      this.#transactions.set(transactionalId, { id, timeoutMs, state: 'Empty', ...rest })
      return { code: c.none, ...id }
    }
    const isOther = held !== undefined && held.producerId !== known.id.producerId
    if (isOther && !isSame(held, known.previous)) return refused(c.producerFenced)
    if (known.state === 'Ongoing') {
      this.#fence(known)
      return refused(c.concurrentTransactions)
    }
    if (known.state.startsWith('Prepare')) return refused(c.concurrentTransactions)
    known.timeoutMs = timeoutMs
    if (held !== undefined && !isSame(held, known.id)) {
      // A call that comes again is answered as the first; so is one after a time-out.
      return isSame(held, known.previous)
        ? { code: c.none, ...known.id }
        : refused(c.producerFenced)
    }
    known.previous = held ?? null
    known.id = this.#raised(known.id, transactionalId)
    known.state = 'Empty'
    return { code: c.none, ...known.id }
  }

  /** Names partitions or groups that the transaction is going to touch. */
  add({ transactionalId, ...id }: Producer, touched: readonly string[]): number {
    const known = this.#transactions.get(transactionalId)
    if (known === undefined || known.id.producerId !== id.producerId) {
      return c.invalidProducerIdMapping
    }
    if (known.id.epoch !== id.epoch) return c.producerFenced
    if (known.state.startsWith('Prepare')) return c.concurrentTransactions
    if (known.state !== 'Ongoing') this.#begin(known)
    for (const one of touched) known.touched.add(one)
    return c.none
  }

  /** Whether the transaction under way has named it. */
  has({ transactionalId, ...id }: Producer, touched: string): boolean {
    const known = this.#transactions.get(transactionalId)
    return known?.state === 'Ongoing' && isSame(id, known.id) && known.touched.has(touched)
  }

  #begin(known: Transaction): void {
    const { clock, random } = this.#options
    known.state = 'Ongoing'
    known.touched = new Set()
    known.previous = null
    const ms = known.timeoutMs + random.int(scanMs)
    known.cancelTimeout = clock.after(ms, () => this.#fence(known))
  }

  /** Aborts what is open; the epoch rises, so that nothing more comes of it. */
  #fence(known: Transaction): void {
    const as = { ...known.id, epoch: known.id.epoch + 1 }
    known.previous = known.id
    known.id = as
    this.#end(known, as, 'abort')
  }

  /** @param raises whether the epoch rises with every end [KIP-890, part 2] */
  end({ transactionalId, isCommit, ...id }: EndTxnRequest, raises: boolean): EndTxnAnswer {
    const known = this.#transactions.get(transactionalId)
    const refuse = (code: number): EndTxnAnswer => ({ code, next: null })
    if (known === undefined) return refuse(c.invalidProducerIdMapping)
    const outcome = isCommit ? 'commit' : 'abort'
    const isAgain = raises && isSame(id, known.previous)
    if (!isAgain) {
      if (id.producerId !== known.id.producerId) return refuse(c.invalidProducerIdMapping)
      if (id.epoch !== known.id.epoch) return refuse(c.producerFenced)
    }
    const done = (): EndTxnAnswer => ({ code: c.none, next: raises ? known.id : null })
    const suffix = isCommit ? 'Commit' : 'Abort'
    switch (known.state) {
      case 'Ongoing': {
        const as = raises ? { ...known.id, epoch: known.id.epoch + 1 } : known.id
        if (raises) {
          known.previous = known.id
          known.id = this.#raised(known.id, transactionalId)
        }
        this.#end(known, as, outcome)
        return done()
      }
      case 'PrepareAbort':
      case 'PrepareCommit':
        return refuse(
          known.state === `Prepare${suffix}` ? c.concurrentTransactions : c.invalidTxnState,
        )
      case 'CompleteAbort':
      case 'CompleteCommit':
      case 'Empty': {
        const isDone = known.state === `Complete${suffix}`
        if (isDone && (isAgain || !raises)) return done()
        if (isCommit || !raises || isAgain) return refuse(c.invalidTxnState)
        // Nothing is open: the epoch rises all the same.
        known.previous = known.id
        known.id = this.#raised(known.id, transactionalId)
        known.state = 'CompleteAbort'
        return done()
      }
    }
  }

  #end(known: Transaction, as: HeldId, outcome: Outcome): void {
    const { clock, random, mark, markerMsMax } = this.#options
    const suffix = outcome === 'commit' ? 'Commit' : 'Abort'
    known.cancelTimeout()
    known.state = `Prepare${suffix}`
    const { touched } = known
    const left = new Set(touched)
    const finished = (): void => {
      if (left.size === 0) known.state = `Complete${suffix}`
    }
    for (const one of touched) {
      clock.after(1 + random.int(markerMsMax), () => {
        mark(one, as, outcome)
        left.delete(one)
        finished()
      })
    }
    finished()
  }

  describe(transactionalId: string): DescribedTransaction {
    const known = this.#transactions.get(transactionalId)
    if (known === undefined) {
      const nobody = { state: 'Dead', producerId: -1, epoch: -1 }
      return { code: c.transactionalIdNotFound, transactionalId, ...nobody }
    }
    return { code: c.none, transactionalId, state: known.state, ...known.id }
  }

  /** Whether what a producer wrote is still to be decided, or its markers are to be written. */
  isOpen(producerId: number): boolean {
    const known = this.#transactions.get(this.#owners.get(producerId) ?? '')
    return known?.state === 'Ongoing' || known?.state.startsWith('Prepare') === true
  }

  #raised(id: HeldId, transactionalId: string): HeldId {
    if (id.epoch >= this.#options.epochMax) return this.#newId(transactionalId)
    return { ...id, epoch: id.epoch + 1 }
  }

  #newId(transactionalId: string | null): HeldId {
    this.#producerIds += 1
    if (transactionalId !== null) this.#owners.set(this.#producerIds, transactionalId)
    return { producerId: this.#producerIds, epoch: 0 }
  }
}

function refused(code: number): InitProducerIdAnswer {
  return { code, producerId: -1, epoch: -1 }
}

function isSame(a: HeldId, b: HeldId | null): boolean {
  return b !== null && a.producerId === b.producerId && a.epoch === b.epoch
}
