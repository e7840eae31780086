/**
 * One transactional id, held: transactions of records and offsets, one after the other [KIP-98,
 * KIP-447]. What fails before the end of a transaction is asked for was not done, and is aborted
 * as far as that is possible; once the end was asked for, the question is repeated until its answer
 * is known. What the coordinator has aborted by itself is made again, while nobody else has come.
 *
 * The order within one commit: checks · AddPartitionsToTxn · Produce to all leaders, meanwhile
 * AddOffsetsToTxn for the groups of the commit before · TxnOffsetCommit · EndTxn; with KIP-890's
 * second part there are no Add requests, and each end raises the epoch. Requests repeated
 * after a lost answer may arrive late and would then count for the next transaction; so after any
 * such repetition the next transaction gets another epoch first.
 */
import { assert } from '../../../core/assert.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Appended, TopicPartition } from '../../log.ts'
import type { GroupOffsets, Transaction, TransactionalProducer } from '../contracts.ts'
import type { Cluster } from '../wire/cluster.ts'
import { produce, produceAndAdd } from '../wire/requests/produce.ts'
import { checkAppends, prepareAppends } from './appends.ts'
import type { AppendOptions, EncodedAppends, PreparedAppends } from './appends.ts'
import { BlockPool } from '../../block-pool.ts'
import { numberBatches, sendBatches } from './batch-sender.ts'
import type { Sequences } from './batch-sender.ts'
import { takeOver, TransactionCalls } from './transaction-calls.ts'
import type { HeldId, TransactionProtocol } from './transaction-calls.ts'
import { notApplied, Setback } from './transaction-errors.ts'

export interface ProducerOptions extends AppendOptions {
  readonly transactionalId: string
  /** The coordinator aborts a transaction that is open for longer. Default 60 s. */
  readonly timeoutMs?: number
  /**
   * Default: `part-2` where the brokers have it and markers are waited for, which takes fewer
   * requests; else `part-1`. Without waiting, a broker holds the next transaction of `part-2` back
   * for 20 ms.
   */
  readonly protocol?: TransactionProtocol
  /**
   * How long a commit waits for brokers that fail over, and again for the end of its transaction.
   * Default 30 s: brokers take up to 20.
   */
  readonly patienceMs?: number
  /**
   * `outcome` (default): a commit resolves when it is decided, some ms before readers see it, which
   * is when its markers are written; only then can the next transaction begin. `markers`: it
   * resolves when every reader sees it.
   */
  readonly waitFor?: 'outcome' | 'markers'
  /**
   * Producers of one lane share their connections to a broker, which answers one request of a
   * connection after the other. Default 0.
   */
  readonly lane?: number
}

const epochs = 2 ** 15
/** Of batches that wait to be used again. */
const spareBytesMax = 4 << 20
const abortMsMax = 3_000
const decideMsMax = 5_000
/**
 * A transaction is made again where another producer wrote between the batches of one append, or
 * where the coordinator has aborted it, as it was open for too long.
 */
const attemptsMax = 5

/**
 * Takes the transactional id over from whoever held it: their open transaction is aborted.
 * @throws `task-fenced` · `not-authorised` · `invalid-argument` · `log-unreachable` · `log-failed`
 */
export async function openTransactionalProducer(
  options: ProducerOptions,
): Promise<TransactionalProducer> {
  const { cluster, transactionalId, timeoutMs = 60_000, waitFor = 'outcome' } = options
  const { patienceMs = 30_000, lane = 0 } = options
  const protocol = options.protocol ?? (await bestProtocol(cluster, waitFor))
  const about = { cluster, transactionalId, timeoutMs, protocol, lane }
  const id = await takeOver(about, cluster.clock.monotonic() + patienceMs)
  return new HeldProducer({ ...options, protocol, patienceMs }, new TransactionCalls(about, id))
}

async function bestProtocol(
  cluster: Cluster,
  waitFor: 'outcome' | 'markers',
): Promise<TransactionProtocol> {
  if (waitFor === 'outcome') return 'part-1'
  const features = await cluster.features()
  return features.level('transaction.version') >= 2 ? 'part-2' : 'part-1'
}

type Settled = ProducerOptions & Required<Pick<ProducerOptions, 'protocol' | 'patienceMs'>>

class HeldProducer implements TransactionalProducer {
  readonly epoch: number
  readonly #options: Settled
  readonly #calls: TransactionCalls
  readonly #sequences: Sequences = new Map()
  readonly #pool = new BlockPool(spareBytesMax)
  /** Of the last transaction: the next one most likely has the same. */
  #groups: readonly string[] = []
  /** Named to the coordinator in the transaction under way. */
  readonly #named = new Set<string>()
  #isDead = false
  #running: Promise<unknown> | null = null
  /** Something of a transaction may lie with the brokers. */
  #isOpen = false

  constructor(options: Settled, calls: TransactionCalls) {
    this.#options = options
    this.#calls = calls
    this.epoch = epochOf(calls.id)
  }

  get isDead(): boolean {
    return this.#isDead
  }

  async commit(transaction: Transaction): Promise<readonly Appended[]> {
    assert(
      this.#running === null,
      () => `two commits of '${this.#options.transactionalId}' at once`,
    )
    const running = this.#commit(transaction)
    this.#running = running
    try {
      return await running
    } finally {
      this.#running = null
    }
  }

  async #commit({ appends, offsets }: Transaction): Promise<readonly Appended[]> {
    if (this.#isDead) throw this.#closed()
    const checked = await checkAppends(appends, this.#options)
    const prepared = prepareAppends(checked, this.#options.compression, this.#pool)
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#transact(prepared, offsets)
      } catch (thrown) {
        if (attempt < attemptsMax && (await this.#canRepeat(thrown))) continue
        throw await this.#setBack(thrown)
      }
    }
  }

  /** Whether nothing of the transaction was done, or ever will be, and the id is still held. */
  async #canRepeat(thrown: unknown): Promise<boolean> {
    if (thrown instanceof Scattered) {
      await this.#abort()
      return !this.#isDead
    }
    if (!(thrown instanceof Setback)) return false
    if (thrown.verdict === 'fenced') return await this.#regain()
    // The answer to the end was lost, and the end refused when it was asked for again.
    const isAborted = thrown.verdict === 'unknown' && (await this.#isAborted())
    return isAborted && (await this.#regain())
  }

  async #isAborted(): Promise<boolean> {
    return await this.#calls.isAborted(this.#options.cluster.clock.monotonic() + decideMsMax)
  }

  /**
   * The coordinator raises the epoch too when it aborts a transaction that was open for too long,
   * as the brokers were away or the process was stopped; it then gives the next one to whoever held
   * it, and to nobody else. @returns false: a later owner has come, or nobody can say
   */
  async #regain(): Promise<boolean> {
    if (!this.#isOpen) return false
    this.#isOpen = false
    try {
      await this.#calls.renew(this.#options.cluster.clock.monotonic() + decideMsMax)
    } catch (thrown) {
      if (thrown instanceof Setback) return false
      throw thrown
    }
    this.#sequences.clear()
    return true
  }

  async #transact(
    prepared: PreparedAppends,
    offsets: Transaction['offsets'],
  ): Promise<readonly Appended[]> {
    const { cluster, patienceMs } = this.#options
    const deadlineMs = cluster.clock.monotonic() + patienceMs
    const appended =
      prepared.partitions.length === 0
        ? prepared.encode().receipts(new Map())
        : await this.#append(prepared, deadlineMs)
    const groups = offsets(appended).filter((group) => group.offsets.length > 0)
    if (groups.length === 0 && prepared.partitions.length === 0) {
      if (await this.isFenced()) throw new Setback('fenced', this.#fenced())
      return appended
    }
    if (groups.length > 0) await this.#commitOffsets(groups, deadlineMs)
    // How long the rest took does not shorten the time in which the outcome is found out.
    const endMs = cluster.clock.monotonic() + patienceMs
    const { id } = this.#calls
    await this.#calls.commit(endMs)
    this.#isOpen = false
    if (this.#options.waitFor === 'markers') await this.#calls.written(id, endMs)
    if (this.#options.protocol === 'part-2') this.#sequences.clear()
    this.#groups = groups.map(({ group }) => group)
    return appended
  }

  async #append(prepared: PreparedAppends, deadlineMs: number): Promise<Appended[]> {
    await this.#begin(deadlineMs)
    this.#isOpen = true
    const { protocol, cluster, transactionalId, lane = 0 } = this.#options
    const isPart1 = protocol === 'part-1'
    const adding = isPart1 ? this.#calls.addPartitions(prepared.partitions, deadlineMs) : null
    const encoded = await encodeMeanwhile(prepared, adding)
    const { producerId, epoch: producerEpoch } = this.#calls.id
    const owner = { producerId, producerEpoch, isTransactional: true }
    numberBatches(encoded.partitions, owner, this.#sequences)
    const api = isPart1 ? produce : produceAndAdd
    const sending = sendBatches(encoded.partitions, {
      cluster,
      api,
      transactionalId,
      lane,
      deadlineMs,
    })
    // Where this fails it is tried again, if the group is needed, and then says why.
    const naming = this.#addGroups(this.#groups, deadlineMs).catch(() => {})
    const sent = await sending
    await naming
    for (const { verdict, error } of sent) {
      if (error !== null) throw new Setback(verdict === 'late' ? 'abort' : verdict, error)
    }
    const offsets = new Map(sent.map((one) => [one.of, one.offsets]))
    const scattered = encoded.scattered(offsets)
    if (scattered !== null) throw new Scattered(scattered)
    const receipts = encoded.receipts(offsets)
    encoded.release()
    return receipts
  }

  async #begin(deadlineMs: number): Promise<void> {
    if (this.#isOpen) return
    this.#named.clear()
    if (!this.#calls.isEpochSpent) return
    await this.#calls.renew(deadlineMs)
    this.#sequences.clear()
  }

  /** Naming a group whose offsets are not committed then does no harm. */
  async #addGroups(groups: readonly string[], deadlineMs: number): Promise<void> {
    if (this.#options.protocol === 'part-2') return
    for (const group of groups) {
      if (this.#named.has(group)) continue
      await this.#calls.addOffsets(group, deadlineMs)
      this.#named.add(group)
    }
  }

  async #commitOffsets(groups: readonly GroupOffsets[], deadlineMs: number): Promise<void> {
    await this.#begin(deadlineMs)
    this.#isOpen = true
    await this.#addGroups(
      groups.map(({ group }) => group),
      deadlineMs,
    )
    const committing = groups.map((group) => this.#calls.commitOffsets(group, deadlineMs))
    for (const result of await Promise.allSettled(committing)) {
      if (result.status === 'rejected') throw result.reason
    }
  }

  /** @returns what to throw; what is left of the transaction is cleared away */
  async #setBack(thrown: unknown): Promise<unknown> {
    if (!(thrown instanceof Setback)) {
      // The caller's own, or several batches could not be kept together.
      await this.#abort()
      return thrown instanceof Scattered ? thrown.error : thrown
    }
    switch (thrown.verdict) {
      case 'refused':
        await this.#abort()
        return notApplied(thrown.error)
      case 'fenced':
        this.#isDead = true
        return (await this.#regain()) ? this.#openTooLong(thrown.error) : thrown.error
      case 'unknown':
        this.#isDead = true
        return thrown.error
      default:
        this.#isDead = true
        await this.#abort()
        return notApplied(thrown.error)
    }
  }

  /**
   * As far as that is possible soon; else whoever holds the id next does it, or the time-out: then
   * the producer is dead.
   */
  async #abort(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { clock } = this.#options.cluster
    // Some batches may not have been written: their numbers are not to be used again.
    this.#calls.spendEpoch()
    if (!(await this.#calls.abort(clock.monotonic() + abortMsMax))) this.#isDead = true
    this.#sequences.clear()
  }

  #openTooLong(cause: MillraceError): MillraceError {
    const { transactionalId, timeoutMs = 60_000 } = this.#options
    const text =
      `a transaction of '${transactionalId}' was made ${attemptsMax} times, ` +
      `and aborted each time as it was open for over ${timeoutMs} ms`
    return new MillraceError('log-failed', text, {
      cause,
      hint: 'raise transaction-timeout-ms; it goes on from the last commit',
    })
  }

  async isFenced(): Promise<boolean> {
    const { clock } = this.#options.cluster
    const held = await this.#calls.holder(clock.monotonic() + this.#options.patienceMs)
    if (held === null) return false
    const { producerId, epoch } = this.#calls.id
    return held.producerId !== producerId || held.epoch !== epoch
  }

  async close(): Promise<void> {
    this.#isDead = true
    await this.#running?.catch(() => {})
    await this.#abort()
  }

  #fenced(): MillraceError {
    const { transactionalId } = this.#options
    return new MillraceError('task-fenced', `a later owner has taken '${transactionalId}' over`, {
      hint: 'stop here; the later owner goes on from the last commit',
    })
  }

  #closed(): MillraceError {
    const text = `the producer of '${this.#options.transactionalId}' was given up or closed`
    return new MillraceError('log-closed', text, { hint: 'open it again' })
  }
}

/** Another producer wrote between the batches of one append. */
class Scattered extends Error {
  readonly error: MillraceError

  constructor(at: TopicPartition) {
    const text = 'others write to the partition so often that a large append is not kept together'
    super(text)
    this.error = new MillraceError('log-failed', text, {
      at,
      hint: 'append less at once, or raise recordBytesMax of the topic',
    })
  }
}

async function encodeMeanwhile(
  prepared: PreparedAppends,
  adding: Promise<void> | null,
): Promise<EncodedAppends> {
  adding?.catch(() => {}) // awaited below, even where encoding throws
  const encoded = prepared.encode()
  await adding
  return encoded
}

function epochOf({ producerId, epoch }: HeldId): number {
  return producerId * epochs + epoch
}
