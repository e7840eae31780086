/** The requests of a transaction, made as whoever holds the transactional id now. */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'
import type { GroupOffsets, MemberIdentity } from '../contracts.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster, Target } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { addOffsetsToTxn } from '../wire/requests/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../wire/requests/add-partitions-to-txn.ts'
import { describeTransactions } from '../wire/requests/describe-transactions.ts'
import type { DescribedTransaction } from '../wire/requests/describe-transactions.ts'
import { endTxn, endTxnAndRise } from '../wire/requests/end-txn.ts'
import type { EndTxnAnswer } from '../wire/requests/end-txn.ts'
import { initProducerId } from '../wire/requests/init-producer-id.ts'
import type { InitProducerIdRequest } from '../wire/requests/init-producer-id.ts'
import { txnOffsetCommit, txnOffsetCommitAndAdd } from '../wire/requests/txn-offset-commit.ts'
import { pause } from '../wire/retrying.ts'
import { persist } from './persist.ts'
import type { Reply, Said } from './persist.ts'
import { notApplied, Setback } from './transaction-errors.ts'
import type { ProducerRequest } from './transaction-errors.ts'

/**
 * `part-1`: partitions and groups are named to the coordinator before they are written [KIP-98].
 * `part-2`: they name themselves, and the epoch rises with every transaction [KIP-890]; for brokers
 * with transaction.version 2.
 */
export type TransactionProtocol = 'part-1' | 'part-2'

export interface HeldId {
  readonly producerId: number
  readonly epoch: number
}

export interface CallOptions {
  readonly cluster: Cluster
  readonly transactionalId: string
  readonly timeoutMs: number
  readonly protocol: TransactionProtocol
  /** Producers of one lane wait for each other's answers. */
  readonly lane: number
}

/**
 * Of a transaction that the coordinator ends by itself, as it was open for too long: the epoch
 * rises by one, and nobody else has it.
 */
const abortedStates: ReadonlySet<string> = new Set([
  'PrepareEpochFence',
  'PrepareAbort',
  'CompleteAbort',
])
/** Between two attempts as the same member. */
const settlePauseMs = 20

/**
 * Takes the transactional id over; waits until the transaction of whoever held it is ended.
 * @throws `task-fenced` (another takes it over at the same time) · `not-authorised` ·
 * `invalid-argument` (the time-out) · `log-unreachable` · `log-failed`
 */
export async function takeOver(options: CallOptions, deadlineMs: number): Promise<HeldId> {
  const { cluster, transactionalId, timeoutMs, lane } = options
  const { answer, error } = await persist({
    cluster,
    to: { transactionalId },
    api: initProducerId,
    request: { transactionalId, timeoutMs },
    name: 'InitProducerId',
    codes: ({ code }) => [{ code }],
    lane,
    deadlineMs,
  })
  if (error !== null) throw notApplied(error)
  if (answer === null) throw new MillraceError('log-failed', 'no answer to InitProducerId')
  return { producerId: answer.producerId, epoch: answer.epoch }
}

export class TransactionCalls {
  readonly #options: CallOptions
  #id: HeldId
  /**
   * A request of the transaction may still be under way, although it was repeated: the next
   * transaction must have another epoch, or it would count for that one.
   */
  #isEpochSpent = false

  constructor(options: CallOptions, id: HeldId) {
    this.#options = options
    this.#id = id
  }

  get id(): HeldId {
    return this.#id
  }

  get isEpochSpent(): boolean {
    return this.#isEpochSpent
  }

  spendEpoch(): void {
    this.#isEpochSpent = true
  }

  /** @throws Setback */
  async addPartitions(partitions: readonly TopicPartition[], deadlineMs: number): Promise<void> {
    const request = { ...this.#owner, places: partitions }
    const codes = (answer: readonly Said[]): readonly Said[] => answer
    await this.#must(
      { name: 'AddPartitionsToTxn', api: addPartitionsToTxn, request, codes },
      deadlineMs,
    )
  }

  /** @throws Setback */
  async addOffsets(group: string, deadlineMs: number): Promise<void> {
    const request = { ...this.#owner, group }
    await this.#must(
      { name: 'AddOffsetsToTxn', api: addOffsetsToTxn, request, codes: own },
      deadlineMs,
    )
  }

  /** As the member that owns the task; after a rebalance as whoever it is then. @throws Setback */
  async commitOffsets(
    { group, offsets, ownership }: GroupOffsets,
    deadlineMs: number,
  ): Promise<void> {
    const api = this.#options.protocol === 'part-1' ? txnOffsetCommit : txnOffsetCommitAndAdd
    const codes = (answer: readonly Said[]): readonly Said[] => answer
    const send = (member: MemberIdentity): Promise<Reply<unknown>> => {
      const request = { ...this.#owner, group, offsets, ...member }
      return this.#ask({ name: 'TxnOffsetCommit', api, request, codes, to: { group } }, deadlineMs)
    }
    await asMember({ group, ownership, clock: this.#options.cluster.clock, deadlineMs }, send)
  }

  /** @throws Setback: `unknown` where it may have happened */
  async commit(deadlineMs: number): Promise<void> {
    const request = { ...this.#owner, isCommit: true }
    const reply = await this.#ask(
      {
        name: 'EndTxn commit',
        nameAgain: 'EndTxn commit again',
        ...this.#end,
        request,
        codes: own,
      },
      deadlineMs,
    )
    if (reply.verdict === 'done') {
      this.#rise(reply.answer)
      return
    }
    const error = reply.error ?? this.#failed('EndTxn')
    if (!reply.isUnsure)
      throw new Setback(reply.verdict === 'late' ? 'abort' : reply.verdict, error)
    const { transactionalId } = this.#options
    const text = `whether the transaction of '${transactionalId}' was committed is not known`
    const hint = 'open it again and read its offsets back'
    throw new Setback(
      'unknown',
      new MillraceError('commit-unknown', text, { outcome: 'unknown', hint, cause: error }),
    )
  }

  /**
   * After a commit that was made as `id`: until its markers are written, so that readers see it.
   * The question is the same call again, which changes nothing.
   */
  async written(id: HeldId, deadlineMs: number): Promise<void> {
    const { transactionalId } = this.#options
    const request = { transactionalId, ...id, isCommit: true }
    await this.#ask({ name: 'EndTxn commit', ...this.#end, request, codes: own }, deadlineMs)
  }

  /** @returns whether nothing is open any more */
  async abort(deadlineMs: number): Promise<boolean> {
    const request = { ...this.#owner, isCommit: false }
    const reply = await this.#ask(
      { name: 'EndTxn abort', ...this.#end, request, codes: own },
      deadlineMs,
    )
    if (reply.verdict === 'done') this.#rise(reply.answer)
    return reply.verdict === 'done'
  }

  /**
   * Takes the next epoch, with sequences from 0. Looks first who holds the id: while a later owner
   * has a transaction open the coordinator does not compare epochs, and would abort it.
   * @throws Setback: `fenced` where someone has come
   */
  async renew(deadlineMs: number): Promise<void> {
    if (!(await this.#isOurs(deadlineMs))) throw new Setback('fenced', this.#taken())
    const { transactionalId, timeoutMs } = this.#options
    const request: InitProducerIdRequest = { transactionalId, timeoutMs, held: this.#id }
    const answer = await this.#must(
      { name: 'InitProducerId held', api: initProducerId, request, codes: own },
      deadlineMs,
    )
    this.#id = { producerId: answer.producerId, epoch: answer.epoch }
    this.#isEpochSpent = false
  }

  /**
   * Whether the transaction in hand was aborted, by the coordinator or for somebody who takes the
   * id over; false also where nobody can say. Where `renew` succeeds afterwards it was ours: an
   * heir's own would have the same look.
   */
  async isAborted(deadlineMs: number): Promise<boolean> {
    try {
      const held = await this.#described(deadlineMs)
      return held !== null && this.#hasAborted(held)
    } catch (thrown) {
      if (thrown instanceof MillraceError) return false
      throw thrown
    }
  }

  /** No later owner has come, although a transaction of ours may have been aborted in its time. */
  async #isOurs(deadlineMs: number): Promise<boolean> {
    let held: DescribedTransaction | null
    try {
      held = await this.#described(deadlineMs)
    } catch (thrown) {
      if (thrown instanceof MillraceError) throw new Setback('abort', thrown)
      throw thrown
    }
    if (held === null || this.#hasAborted(held)) return true
    return held.producerId === this.#id.producerId && held.epoch === this.#id.epoch
  }

  #hasAborted({ producerId, epoch, state }: DescribedTransaction): boolean {
    return (
      producerId === this.#id.producerId && epoch === this.#id.epoch + 1 && abortedStates.has(state)
    )
  }

  /** Who holds the id now; null: the coordinator does not know it. @throws MillraceError */
  async holder(deadlineMs: number): Promise<HeldId | null> {
    return await this.#described(deadlineMs)
  }

  async #described(deadlineMs: number): Promise<DescribedTransaction | null> {
    const request = [this.#options.transactionalId]
    const codes = (answer: readonly Said[]): readonly Said[] => answer
    const { answer, error } = await this.#ask(
      { name: 'DescribeTransactions', api: describeTransactions, request, codes },
      deadlineMs,
    )
    if (error !== null) throw error
    const found = answer?.[0]
    return found === undefined || found.code !== errorCode.none ? null : found
  }

  get #owner(): { transactionalId: string; producerId: number; epoch: number } {
    return { transactionalId: this.#options.transactionalId, ...this.#id }
  }

  get #end(): { readonly api: typeof endTxn } {
    return { api: this.#options.protocol === 'part-1' ? endTxn : endTxnAndRise }
  }

  #rise(answer: EndTxnAnswer | null): void {
    if (answer === null || answer.next === null) return
    this.#id = { producerId: answer.next.producerId, epoch: answer.next.epoch }
    this.#isEpochSpent = false
  }

  async #ask<Request, Answer>(
    call: Call<Request, Answer>,
    deadlineMs: number,
  ): Promise<Reply<Answer>> {
    const { cluster, transactionalId, lane } = this.#options
    const reply = await persist({ cluster, to: { transactionalId }, lane, ...call, deadlineMs })
    if (reply.isUnsure && call.name !== 'InitProducerId held') this.#isEpochSpent = true
    return reply
  }

  async #must<Request, Answer>(call: Call<Request, Answer>, deadlineMs: number): Promise<Answer> {
    const { verdict, answer, error } = await this.#ask(call, deadlineMs)
    if (error === null && answer !== null) return answer
    throw new Setback(verdict === 'late' ? 'abort' : verdict, error ?? this.#failed(call.name))
  }

  #failed(what: string): MillraceError {
    return new MillraceError('log-failed', `${what} of '${this.#options.transactionalId}' failed`)
  }

  #taken(): MillraceError {
    const text = `'${this.#options.transactionalId}' has a later owner`
    return new MillraceError('task-fenced', text, {
      hint: 'stop here; the later owner goes on from the last commit',
    })
  }
}

interface Call<Request, Answer> {
  readonly name: ProducerRequest
  readonly nameAgain?: ProducerRequest
  readonly api: Api<Request, Answer>
  readonly request: Request
  readonly codes: (answer: Answer) => readonly Said[]
  readonly to?: Exclude<Target, 'any' | { readonly node: number }>
}

function own(answer: { readonly code: number }): readonly Said[] {
  return [{ code: answer.code }]
}

/**
 * Sends offsets as the member that owns the task now; refused, waits for the rebalance to end and
 * sends them as whoever it is then. @throws Setback: `not-owned`
 */
export async function asMember(
  {
    group,
    ownership,
    clock,
    deadlineMs,
  }: Pick<GroupOffsets, 'group' | 'ownership'> & {
    readonly clock: Cluster['clock']
    readonly deadlineMs: number
  },
  send: (member: MemberIdentity) => Promise<Reply<unknown>>,
): Promise<void> {
  let member = ownership === null ? outsider : ownership.identity()
  for (;;) {
    if (member === null) throw new Setback('not-owned', notOwned(group))
    const { verdict, error } = await send(member)
    if (verdict === 'done') return
    if (verdict !== 'settle' || ownership === null) {
      throw new Setback(verdict === 'late' ? 'abort' : verdict, error ?? notOwned(group))
    }
    const before = member
    member = await ownership.settled()
    if (clock.monotonic() >= deadlineMs) throw new Setback('abort', error ?? notOwned(group))
    const isSame = member?.generation === before.generation && member.memberId === before.memberId
    if (isSame) await pause(clock, settlePauseMs)
  }
}

const outsider: MemberIdentity = { generation: -1, memberId: '', instanceId: null }

function notOwned(group: string): MillraceError {
  return new MillraceError('task-fenced', `the task of group '${group}' is not owned any more`, {
    hint: 'another member goes on from the last commit',
  })
}
