/**
 * One transactional id, held: transactions of records and offsets, one after the other [KIP-98,
 * KIP-447]. What fails before the end of a transaction is asked for is aborted, and was not done;
 * once it is asked for, the question is repeated until its answer is known.
 *
 * The protocol is that of KIP-98, also with brokers that know KIP-890's second part: there a broker
 * lets the first write after a commit wait for 20 ms, which is longer than a whole transaction
 * takes here (docs/DECISIONS.md).
 */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { Appended } from '../../log.ts'
import type {
  GroupOffsets,
  MemberIdentity,
  Transaction,
  TransactionalProducer,
} from '../contracts.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import type { Api } from '../wire/api.ts'
import { addOffsetsToTxn } from '../wire/requests/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../wire/requests/add-partitions-to-txn.ts'
import { describeTransactions } from '../wire/requests/describe-transactions.ts'
import { endTxn } from '../wire/requests/end-txn.ts'
import type { Producer } from '../wire/requests/end-txn.ts'
import { initProducerId } from '../wire/requests/init-producer-id.ts'
import type { InitProducerIdAnswer } from '../wire/requests/init-producer-id.ts'
import { txnOffsetCommit } from '../wire/requests/txn-offset-commit.ts'
import { retrying, TryAgain } from '../wire/retrying.ts'
import { encodeAppends } from './appends.ts'
import type { AppendOptions, Appends } from './appends.ts'
import { sendBatches } from './send-batches.ts'
import type { Sequences } from './send-batches.ts'

export interface ProducerOptions extends AppendOptions {
  readonly transactionalId: string
  /** The coordinator aborts a transaction that is open for longer. Default 60 s. */
  readonly timeoutMs?: number
}

/** Longer than brokers take to fail over. */
const limitMs = 60_000
const abortLimitMs = 5_000
const epochs = 2 ** 15
/** The next transaction may begin while the last one's markers are written: 1 to 10 ms. */
const busyPauseMs = 1

/** Whose fault a code of the transaction coordinator is. */
type Verdict = 'ok' | 'again' | 'coordinator' | 'fenced' | 'refused' | 'failed'

const verdicts: ReadonlyMap<number, Verdict> = new Map<number, Verdict>([
  [errorCode.none, 'ok'],
  [errorCode.concurrentTransactions, 'again'],
  [errorCode.coordinatorLoadInProgress, 'again'],
  [errorCode.unknownTopicOrPartition, 'again'],
  [errorCode.leaderNotAvailable, 'again'],
  [errorCode.requestTimedOut, 'again'],
  [errorCode.notEnoughReplicas, 'again'],
  [errorCode.coordinatorNotAvailable, 'coordinator'],
  [errorCode.notCoordinator, 'coordinator'],
  [errorCode.producerFenced, 'fenced'],
  [errorCode.invalidProducerEpoch, 'fenced'],
  // The coordinator had given the transaction up, or someone newer has.
  [errorCode.invalidTxnState, 'fenced'],
  [errorCode.invalidProducerIdMapping, 'fenced'],
  [errorCode.transactionalIdAuthorizationFailed, 'refused'],
  [errorCode.topicAuthorizationFailed, 'refused'],
  [errorCode.groupAuthorizationFailed, 'refused'],
  [errorCode.clusterAuthorizationFailed, 'refused'],
])

/** @throws `task-fenced` · `not-authorised` · `invalid-argument` · `log-unreachable` */
export async function openTransactionalProducer(
  options: ProducerOptions,
): Promise<TransactionalProducer> {
  const held = await hold(options)
  return new HeldProducer(options, held)
}

/** Waits until the transaction of whoever held the id before is ended. */
async function hold(options: ProducerOptions): Promise<InitProducerIdAnswer> {
  const { cluster, transactionalId, timeoutMs = 60_000 } = options
  const ask = async (): Promise<InitProducerIdAnswer> => {
    const to = { transactionalId }
    const purpose = 'transaction'
    const answer = await cluster.send(
      to,
      initProducerId,
      { transactionalId, timeoutMs },
      { purpose },
    )
    if (answer.code === errorCode.invalidTransactionTimeout) {
      throw new MillraceError(
        'invalid-argument',
        `a transaction time-out of ${timeoutMs} ms is over the broker's limit`,
        { hint: 'give a smaller one, or raise transaction.max.timeout.ms of the brokers' },
      )
    }
    judge(answer.code, options, 'InitProducerId')
    return answer
  }
  return await retrying(ask, { clock: cluster.clock, limitMs, pauseMs: 10, pauseMsMax: 100 })
}

/** @throws TryAgain · `task-fenced` · `not-authorised` · `log-failed` */
function judge(code: number, { cluster, transactionalId }: ProducerOptions, what: string): void {
  const verdict = verdicts.get(code) ?? 'failed'
  if (verdict === 'ok') return
  const text = `${what} of '${transactionalId}': ${codeName(code)}`
  if (verdict === 'coordinator') cluster.forget({ transactionalId })
  if (verdict === 'again' || verdict === 'coordinator') {
    throw new TryAgain(new MillraceError('log-unreachable', text))
  }
  if (verdict === 'fenced') {
    throw new MillraceError('task-fenced', `a later owner has taken over (${text})`)
  }
  if (verdict === 'refused') {
    throw new MillraceError('not-authorised', `the broker refuses ${text}`, {
      hint: 'give this user the ACLs Describe and Write on the transactional id, Read on the group',
    })
  }
  throw new MillraceError('log-failed', text)
}

class HeldProducer implements TransactionalProducer {
  readonly epoch: number
  readonly #options: ProducerOptions
  readonly #producer: Producer
  readonly #sequences: Sequences = new Map()
  #isDead = false
  /** Something of a transaction may lie with the brokers. */
  #isOpen = false

  constructor(options: ProducerOptions, { producerId, epoch }: InitProducerIdAnswer) {
    this.#options = options
    this.#producer = { transactionalId: options.transactionalId, producerId, epoch }
    this.epoch = producerId * epochs + epoch
  }

  get isDead(): boolean {
    return this.#isDead
  }

  async commit({ appends, offsets }: Transaction): Promise<readonly Appended[]> {
    if (this.#isDead) throw this.#fenced('this producer was given up')
    const encoded = await encodeAppends(appends, this.#options)
    const hasOffsets = offsets(encoded.receipts(new Map())).some(
      (group) => group.offsets.length > 0,
    )
    const isEmpty = encoded.partitions.length === 0 && !hasOffsets
    if (isEmpty) {
      if (await this.isFenced()) throw this.#fenced('a later owner has taken over')
      return encoded.receipts(new Map())
    }
    this.#isOpen = true
    try {
      const appended = await this.#write(encoded, offsets)
      await this.#end()
      this.#isOpen = false
      await this.#settled()
      return appended
    } catch (thrown) {
      this.#isDead = true
      const isDecided = isCode(thrown, 'commit-unknown') || isCode(thrown, 'task-fenced')
      if (!isDecided) await this.#abort()
      throw thrown
    }
  }

  async #write(encoded: Appends, offsets: Transaction['offsets']): Promise<readonly Appended[]> {
    const { partitions } = encoded
    if (partitions.length > 0) {
      await this.#coordinated(addPartitionsToTxn, { places: partitions }, (answer) =>
        answer.map(({ code }) => code),
      )
    }
    const { cluster, transactionalId } = this.#options
    const { producerId, epoch: producerEpoch } = this.#producer
    const owner = { producerId, producerEpoch, isTransactional: true }
    const sequences = this.#sequences
    const sent = await sendBatches(partitions, { cluster, transactionalId, owner, sequences })
    const appended = encoded.receipts(sent)
    for (const group of offsets(appended)) await this.#commitOffsets(group)
    return appended
  }

  async #commitOffsets({ group, offsets, ownership }: GroupOffsets): Promise<void> {
    if (offsets.length === 0) return
    await this.#coordinated(addOffsetsToTxn, { group }, ({ code }) => [code])
    const { cluster } = this.#options
    let identity = ownership?.identity() ?? null
    if (ownership !== null && identity === null)
      throw this.#fenced('the task is not owned any more')
    const send = async (): Promise<void> => {
      const request = { ...this.#producer, group, offsets, ...memberOf(identity) }
      const purpose = 'transaction'
      const answers = await cluster.send({ group }, txnOffsetCommit, request, { purpose })
      const code = answers.find((answer) => answer.code !== errorCode.none)?.code ?? errorCode.none
      if (ownership !== null && memberCodes.has(code)) {
        identity = await ownership.settled()
        if (identity === null)
          throw this.#fenced(`the task is not owned any more: ${codeName(code)}`)
        throw new TryAgain(this.#fenced(codeName(code)))
      }
      if (code === errorCode.notCoordinator || code === errorCode.coordinatorNotAvailable) {
        cluster.forget({ group })
      }
      if (code === errorCode.fencedInstanceId) throw this.#fenced(codeName(code))
      judge(code, this.#options, 'TxnOffsetCommit')
    }
    await retrying(send, { clock: cluster.clock, limitMs, pauseMs: 5, pauseMsMax: 100 })
  }

  /** A request to the transaction coordinator, again while it is busy. */
  async #coordinated<Request, Answer>(
    api: Api<Request & Producer, Answer>,
    request: Request,
    codes: (answer: Answer) => readonly number[],
  ): Promise<Answer> {
    const { cluster, transactionalId } = this.#options
    const whole = { ...request, ...this.#producer }
    const send = async (): Promise<Answer> => {
      const purpose = 'transaction'
      const answer = await cluster.send({ transactionalId }, api, whole, { purpose })
      const failed = codes(answer).filter(
        (code) => code !== errorCode.none && code !== errorCode.operationNotAttempted,
      )
      judge(failed[0] ?? errorCode.none, this.#options, api.name)
      return answer
    }
    const pauses = { pauseMs: busyPauseMs, pauseMsMax: 20 }
    return await retrying(send, { clock: cluster.clock, limitMs, ...pauses })
  }

  /** From here on the outcome may be unknown. */
  async #end(): Promise<void> {
    try {
      await this.#coordinated(endTxn, { isCommit: true }, ({ code }) => [code])
    } catch (thrown) {
      if (isCode(thrown, 'task-fenced') || isCode(thrown, 'not-authorised')) throw thrown
      throw new MillraceError(
        'commit-unknown',
        `whether the transaction of '${this.#options.transactionalId}' was committed is not known`,
        { outcome: 'unknown', cause: thrown },
      )
    }
  }

  /**
   * A transaction is committed when its end is written down; readers see it when each partition has
   * its marker, some ms later. Whoever was told of a commit is to find it.
   */
  async #settled(): Promise<void> {
    const { cluster, transactionalId } = this.#options
    const ask = async (): Promise<void> => {
      const purpose = 'transaction'
      const ids = [transactionalId]
      const [found] = await cluster.send({ transactionalId }, describeTransactions, ids, {
        purpose,
      })
      const isUnderWay = found?.state === 'PrepareCommit'
      if (isUnderWay) throw new TryAgain(new MillraceError('log-failed', 'markers are missing'))
    }
    const pauses = { pauseMs: busyPauseMs, pauseMsMax: 10 }
    // It is committed in any case.
    await retrying(ask, { clock: cluster.clock, limitMs: abortLimitMs, ...pauses }).catch(() => {})
  }

  /** As far as that is possible soon; else whoever holds the id next does it, or the time-out. */
  async #abort(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { cluster, transactionalId } = this.#options
    const send = async (): Promise<void> => {
      const request = { ...this.#producer, isCommit: false }
      const purpose = 'transaction'
      const { code } = await cluster.send({ transactionalId }, endTxn, request, { purpose })
      judge(code, this.#options, endTxn.name)
    }
    await retrying(send, { clock: cluster.clock, limitMs: abortLimitMs }).catch(() => {})
  }

  async isFenced(): Promise<boolean> {
    const { cluster, transactionalId } = this.#options
    const purpose = 'transaction'
    const [found] = await cluster.send(
      { transactionalId },
      describeTransactions,
      [transactionalId],
      {
        purpose,
      },
    )
    if (found === undefined || found.code !== errorCode.none) return false
    const { producerId, epoch } = this.#producer
    return found.producerId !== producerId || found.epoch > epoch
  }

  async close(): Promise<void> {
    this.#isDead = true
    await this.#abort()
  }

  #fenced(why: string): MillraceError {
    const { transactionalId } = this.#options
    return new MillraceError('task-fenced', `'${transactionalId}': ${why}`)
  }
}

/** The generation has gone on, or the member is none any more. */
const memberCodes: ReadonlySet<number> = new Set([
  errorCode.illegalGeneration,
  errorCode.unknownMemberId,
  errorCode.rebalanceInProgress,
  errorCode.staleMemberEpoch,
])

function memberOf(identity: MemberIdentity | null): MemberIdentity {
  return identity ?? { generation: -1, memberId: '', instanceId: null }
}
