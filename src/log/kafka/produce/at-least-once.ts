/**
 * Commits without transactions, for `guarantee: 'at-least-once'`: first the records, then the
 * offsets. A crash between the two, or a failure, gives the records again. Readers see the records
 * at once. Nothing fences an earlier owner but the generation of its group: its records still come,
 * its offsets are refused.
 */
import { assert } from '../../../core/assert.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Appended } from '../../log.ts'
import type { GroupOffsets, Transaction, TransactionalProducer } from '../contracts.ts'
import { offsetCommit } from '../wire/requests/offset-commit.ts'
import { checkAppends, prepareAppends } from './appends.ts'
import type { AppendOptions } from './appends.ts'
import { IdempotentProducer } from './idempotent-producer.ts'
import { persist } from './persist.ts'
import { asMember } from './transaction-calls.ts'
import { Setback } from './transaction-errors.ts'

export interface AtLeastOnceOptions extends AppendOptions {
  /** How long a commit waits for brokers that fail over. Default 30 s. */
  readonly patienceMs?: number
  readonly lane?: number
}

/**
 * As a transactional producer, with this difference: a failed commit may have left records behind
 * (`commit-unknown`); `isFenced` is always false; the epoch is the time of opening, ms.
 */
export function createAtLeastOnceCommitter(options: AtLeastOnceOptions): TransactionalProducer {
  return new Committer(options)
}

class Committer implements TransactionalProducer {
  readonly epoch: number
  readonly #options: AtLeastOnceOptions
  readonly #patienceMs: number
  readonly #records: IdempotentProducer
  #isDead = false
  #running: Promise<unknown> | null = null

  constructor(options: AtLeastOnceOptions) {
    const { cluster, patienceMs = 30_000, lane = 0 } = options
    this.#options = options
    this.#patienceMs = patienceMs
    this.#records = new IdempotentProducer({ cluster, patienceMs, lane, unsure: 'send-again' })
    this.epoch = cluster.clock.now()
  }

  get isDead(): boolean {
    return this.#isDead
  }

  async commit(transaction: Transaction): Promise<readonly Appended[]> {
    assert(this.#running === null, () => 'two commits of one task at once')
    const running = this.#commit(transaction)
    this.#running = running
    try {
      return await running
    } finally {
      this.#running = null
    }
  }

  async #commit({ appends, offsets }: Transaction): Promise<readonly Appended[]> {
    if (this.#isDead) throw new MillraceError('log-closed', 'the producer was given up or closed')
    const checked = await checkAppends(appends, this.#options)
    const encoded = prepareAppends(checked, this.#options.compression).encode()
    const written = await this.#records.send(encoded.partitions)
    const failed = written.find(({ error }) => error !== null)
    const isAny = written.some((one) => one.offsets.some((offset) => offset >= 0))
    if (failed !== undefined && failed.error !== null) throw this.#failed(failed.error, isAny)
    const appended = encoded.receipts(new Map(written.map((one) => [one.of, one.offsets])))
    for (const group of offsets(appended)) {
      try {
        await this.#commitOffsets(group)
      } catch (thrown) {
        if (!(thrown instanceof Setback)) throw thrown
        throw this.#failed(thrown.error, isAny)
      }
    }
    return appended
  }

  async #commitOffsets({ group, offsets, ownership }: GroupOffsets): Promise<void> {
    if (offsets.length === 0) return
    const { cluster } = this.#options
    const deadlineMs = cluster.clock.monotonic() + this.#patienceMs
    await asMember({ group, ownership, clock: cluster.clock, deadlineMs }, (member) =>
      persist({
        cluster,
        to: { group },
        api: offsetCommit,
        name: 'OffsetCommit',
        deadlineMs,
        request: { group, offsets, member },
        codes: (answer) => answer,
      }),
    )
  }

  /** Where something was written, the outcome is neither this nor that. */
  #failed(error: MillraceError, isWritten: boolean): MillraceError {
    if (isWritten || error.blame !== 'user' || error.code === 'log-closed') this.#isDead = true
    if (!isWritten || error.code === 'task-fenced' || error.code === 'commit-unknown') return error
    return new MillraceError('commit-unknown', 'records of a commit are written, others are not', {
      outcome: 'unknown',
      cause: error,
      hint: 'open the task again: it goes on from the last committed offsets',
    })
  }

  isFenced(): Promise<boolean> {
    return Promise.resolve(false)
  }

  async close(): Promise<void> {
    this.#isDead = true
    await this.#running?.catch(() => {})
  }
}
