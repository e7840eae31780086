/**
 * Batches without a transaction: in order, and each once for as long as the producer id holds
 * [KIP-98]. The id is asked for when it is needed, and anew after any failure.
 */
import { MillraceError } from '../../../core/error.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { initProducerId } from '../wire/requests/init-producer-id.ts'
import { produce } from '../wire/requests/produce.ts'
import { isTransient, retrying, TryAgain } from '../wire/retrying.ts'
import type { PartitionBatches } from './appends.ts'
import { numberBatches, sendBatches } from './batch-sender.ts'
import type { Sent, Sequences } from './batch-sender.ts'
import { errorOf, notApplied } from './transaction-errors.ts'
import type { HeldId } from './transaction-calls.ts'

export interface IdempotentOptions {
  readonly cluster: Cluster
  readonly patienceMs: number
  readonly lane: number
  /** A batch that may have been written, and whose number counts no more. */
  readonly unsure: 'give-up' | 'send-again'
}

/** What became of one partition. */
export interface Written {
  readonly of: PartitionBatches
  /** Base offset of each batch; −1 where it was not acknowledged. */
  readonly offsets: readonly number[]
  /** `commit-unknown` where it may have been written; null: all of it is. */
  readonly error: MillraceError | null
}

/** More would mean that the broker forgets ids as fast as it gives them. */
const renewalsMax = 5

export class IdempotentProducer {
  readonly #options: IdempotentOptions
  readonly #sequences: Sequences = new Map()
  #id: Promise<HeldId> | null = null

  constructor(options: IdempotentOptions) {
    this.#options = options
  }

  /**
   * One call at a time. @returns one for each partition, in order
   * @throws `log-unreachable` · `not-authorised` · `log-closed`: nothing was sent
   */
  async send(partitions: readonly PartitionBatches[]): Promise<readonly Written[]> {
    const { cluster, patienceMs, unsure, lane } = this.#options
    const deadlineMs = cluster.clock.monotonic() + patienceMs
    const lines = partitions.map((of) => new Line(of))
    for (let renewals = 0; ; renewals++) {
      const open = lines.filter((line) => line.isOpen)
      if (open.length === 0) break
      const { producerId, epoch } = await this.#identity()
      const owner = { producerId, producerEpoch: epoch, isTransactional: false }
      const left = open.map((line) => line.left())
      numberBatches(left, owner, this.#sequences)
      const sent = await sendBatches(left, {
        cluster,
        api: produce,
        transactionalId: null,
        lane,
        deadlineMs,
      })
      if (sent.some(({ verdict }) => verdict !== 'done')) this.#id = null
      const isLast = renewals === renewalsMax
      for (const [i, line] of open.entries()) line.take(sent[i] as Sent, unsure, isLast)
    }
    return lines
  }

  #identity(): Promise<HeldId> {
    if (this.#id !== null) return this.#id
    this.#sequences.clear()
    const id = this.#ask()
    this.#id = id
    id.catch(() => {
      if (this.#id === id) this.#id = null
    })
    return id
  }

  async #ask(): Promise<HeldId> {
    const { cluster, patienceMs } = this.#options
    const request = { transactionalId: null, timeoutMs: 0 }
    const ask = async (): Promise<HeldId> => {
      const { code, producerId, epoch } = await cluster.send('any', initProducerId, request)
      if (code === errorCode.none) return { producerId, epoch }
      if (!isTransient(code)) throw errorOf({ request: 'InitProducerId', code, by: 'this process' })
      throw new TryAgain(
        new MillraceError('log-unreachable', `no producer id is given: ${codeName(code)}`),
      )
    }
    return await retrying(ask, { clock: cluster.clock, limitMs: patienceMs, pauseMsMax: 500 })
  }
}

class Line implements Written {
  readonly of: PartitionBatches
  readonly offsets: number[]
  error: MillraceError | null = null

  constructor(of: PartitionBatches) {
    this.of = of
    this.offsets = of.batches.map(() => -1)
  }

  get isOpen(): boolean {
    return this.error === null && this.offsets.includes(-1)
  }

  /** What is not acknowledged. */
  left(): PartitionBatches {
    const { topic, partition, batches } = this.of
    return { topic, partition, batches: batches.filter((_, i) => this.offsets[i] === -1) }
  }

  take(sent: Sent, unsure: IdempotentOptions['unsure'], isLast: boolean): void {
    let next = 0
    for (const offset of sent.offsets) {
      while (this.offsets[next] !== -1) next += 1
      this.offsets[next] = offset
      next += 1
    }
    const { verdict, error, isUnsure } = sent
    if (error === null) return
    const mayBeThere = isUnsure || verdict === 'unknown'
    const isNew = verdict === 'renew' || verdict === 'unknown'
    if (isNew && !isLast && (!mayBeThere || unsure === 'send-again')) return
    this.error = mayBeThere ? unknown(this.of, error) : notApplied(error)
  }
}

function unknown({ topic, partition }: PartitionBatches, cause: MillraceError): MillraceError {
  if (cause.code === 'commit-unknown') return cause
  return new MillraceError('commit-unknown', 'whether an append was written is not known', {
    at: { topic, partition },
    outcome: 'unknown',
    hint: 'read the end of the partition, or append with a producer stamp',
    cause,
  })
}
