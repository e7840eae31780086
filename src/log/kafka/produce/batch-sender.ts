/**
 * Batches to their leaders: those of a partition one after the other, leaders side by side. What a
 * leader does not answer is sent again to whoever leads then, with the same sequence numbers: a
 * batch that was written gives its first offset again.
 */
import { MillraceError } from '../../../core/error.ts'
import { ownBatch, sequenceAfter } from '../records/encode.ts'
import type { BatchOwner } from '../records/encode.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import type { ProduceBatch, ProducedBatch, ProduceRequest } from '../wire/requests/produce.ts'
import { pause } from '../wire/retrying.ts'
import { placeKey } from './appends.ts'
import type { PartitionBatches } from './appends.ts'
import { isGone } from './persist.ts'
import { errorOf, isAgain, verdictOf } from './transaction-errors.ts'
import type { Verdict } from './transaction-errors.ts'

/** Of one request; the broker's own limit is 100 MiB. */
const requestBytesMax = 4 << 20
/** A broker remembers a producer's last five batches of a partition, to know a repeated one. */
const inFlightMax = 5
/** Under the time-out of a request, so that the broker answers first. */
const timeoutMs = 8_000
const pauseMsMin = 20
const pauseMsMax = 500

/** Sequence numbers of one producer id and epoch, by partition. */
export type Sequences = Map<string, number>

/** Gives the batches their producer and their numbers. Before they are sent, once. */
export function numberBatches(
  partitions: readonly PartitionBatches[],
  owner: Omit<BatchOwner, 'baseSequence'>,
  sequences: Sequences,
): void {
  for (const { topic, partition, batches } of partitions) {
    const key = placeKey({ topic, partition })
    let next = sequences.get(key) ?? 0
    for (const batch of batches) {
      ownBatch(batch, { ...owner, baseSequence: next })
      next = sequenceAfter(next, batch.recordCount)
    }
    sequences.set(key, next)
  }
}

export interface SendOptions {
  readonly cluster: Cluster
  readonly api: Api<ProduceRequest, readonly ProducedBatch[]>
  readonly transactionalId: string | null
  readonly lane: number
  /** On the monotonic clock; no attempt is begun after it. */
  readonly deadlineMs: number
}

/** What became of the batches of one partition. */
export interface Sent {
  readonly of: PartitionBatches
  /** Base offset of each batch; −1 where it was not acknowledged. */
  readonly offsets: readonly number[]
  /** `done`: all acknowledged; `late`: the deadline came. */
  readonly verdict: Verdict | 'late'
  /** null when done. */
  readonly error: MillraceError | null
  /** Batches that were not acknowledged may have been written. */
  readonly isUnsure: boolean
}

/**
 * Sends all. In a transaction the first error that does not pass ends it for all partitions;
 * without one each partition is on its own. Resolves when no request is under way any more.
 */
export async function sendBatches(
  partitions: readonly PartitionBatches[],
  options: SendOptions,
): Promise<readonly Sent[]> {
  const { cluster } = options
  const lines = partitions.map((of) => new Line(of))
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    await round(lines, options)
    const isOver = options.transactionalId !== null && lines.some((line) => line.isFinal)
    const open = lines.filter((line) => !line.isDone && !line.isFinal)
    if (isOver || open.length === 0) break
    if (cluster.clock.monotonic() + pauseMs >= options.deadlineMs) {
      for (const line of open) line.verdict = 'late'
      break
    }
    await pause(cluster.clock, pauseMs)
    for (const topic of new Set(open.map(({ of }) => of.topic)))
      await lookAgain(topic, open, cluster)
  }
  return lines.map(({ of, offsets, verdict, error, isUnsure, isDone }) => ({
    of,
    offsets,
    verdict: isDone ? 'done' : (verdict ?? 'late'),
    error: isDone ? null : error,
    isUnsure,
  }))
}

/** The batches of one partition on their way. */
class Line {
  readonly of: PartitionBatches
  readonly offsets: number[]
  verdict: Verdict | 'late' | null = null
  error: MillraceError | null = null
  isUnsure = false
  /** Index of the batch that the round under way sends next. */
  next = 0
  /** In this round something did not come through; what follows would only make a gap. */
  isHalted = false

  constructor(of: PartitionBatches) {
    this.of = of
    this.offsets = of.batches.map(() => -1)
  }

  get isDone(): boolean {
    return this.offsets.every((offset) => offset >= 0)
  }

  get isFinal(): boolean {
    return this.verdict !== null && this.verdict !== 'late' && !isAgain(this.verdict)
  }

  fail(verdict: Verdict, error: MillraceError): void {
    if (verdict === 'unsure') this.isUnsure = true
    // After the first failure of a round the others are its consequence.
    if (this.isHalted) return
    this.isHalted = true
    this.verdict = verdict
    this.error = error
  }
}

/** One attempt for all that is not acknowledged. */
async function round(lines: readonly Line[], options: SendOptions): Promise<void> {
  const leaders = new Map<number, Line[]>()
  for (const line of lines) {
    if (line.isDone || line.isFinal) continue
    line.next = 0
    line.isHalted = false
    const { topic, partition } = line.of
    const node = options.cluster.known(topic)?.partitions[partition]?.leader ?? -1
    if (node < 0) line.fail('moved', noLeader(topic, partition))
    else {
      const list = leaders.get(node)
      if (list === undefined) leaders.set(node, [line])
      else list.push(line)
    }
  }
  await Promise.all([...leaders].map(([node, list]) => sendTo(node, list, options)))
}

async function sendTo(node: number, lines: readonly Line[], options: SendOptions): Promise<void> {
  const inFlight = new Set<Promise<void>>()
  for (;;) {
    const isOver = options.transactionalId !== null && lines.some((line) => line.isHalted)
    const batches = isOver ? [] : nextRequest(lines)
    if (batches.length === 0) break
    const sending: Promise<void> = sendOne(node, batches, options).finally(() =>
      inFlight.delete(sending),
    )
    inFlight.add(sending)
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
}

interface Sending extends ProduceBatch {
  readonly line: Line
  readonly index: number
}

/** At most one batch of each partition: Kafka takes no more in one request. */
function nextRequest(lines: readonly Line[]): Sending[] {
  const request: Sending[] = []
  let bytes = 0
  for (const line of lines) {
    if (line.isHalted) continue
    while ((line.offsets[line.next] ?? -1) >= 0) line.next += 1
    const batch = line.of.batches[line.next]
    if (batch === undefined) continue
    if (bytes > 0 && bytes + batch.bytes.length > requestBytesMax) continue
    const { topic, partition } = line.of
    request.push({ topic, partition, bytes: batch.bytes, line, index: line.next })
    line.next += 1
    bytes += batch.bytes.length
  }
  return request
}

async function sendOne(
  node: number,
  batches: readonly Sending[],
  { cluster, api, transactionalId, lane }: SendOptions,
): Promise<void> {
  let answers: readonly ProducedBatch[]
  try {
    const request = { transactionalId, timeoutMs, batches }
    answers = await cluster.send({ node }, api, request, { purpose: 'produce', lane })
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown
    const isOver = thrown.code !== 'log-unreachable'
    const isUnsure = thrown.outcome === 'unknown' || thrown.code === 'log-closed'
    for (const { line } of batches) {
      if (isUnsure) line.isUnsure = true
      line.fail(isOver ? 'abort' : 'moved', thrown)
      cluster.forget({ topic: line.of.topic })
    }
    return
  }
  const name = transactionalId === null ? 'Produce alone' : 'Produce'
  for (const { line, index } of batches) {
    const { topic, partition } = line.of
    const answer = answers.find((one) => one.topic === topic && one.partition === partition)
    const { code, baseOffset, reason } = answer ?? unanswered
    const verdict = verdictOf(name, code)
    const at = { topic, partition }
    if (verdict === 'done') line.offsets[index] = baseOffset
    else {
      if (isAgain(verdict) && verdict !== 'wait') cluster.forget({ topic })
      line.fail(verdict, errorFor(name, { code, reason, at, transactionalId }))
    }
  }
}

const unanswered = { code: errorCode.networkException, baseOffset: -1, reason: null }

function errorFor(
  request: 'Produce' | 'Produce alone',
  said: {
    readonly code: number
    readonly reason: string | null
    readonly at: { readonly topic: string; readonly partition: number }
    readonly transactionalId: string | null
  },
): MillraceError {
  const { code, reason, at, transactionalId } = said
  if (!isAgain(verdictOf(request, code))) {
    const by = transactionalId === null ? 'a batch' : `'${transactionalId}'`
    return errorOf({ request, code, reason, at, by })
  }
  return new MillraceError('log-unreachable', `a batch is not acknowledged: ${codeName(code)}`, {
    at,
  })
}

/** Who leads now; a topic that is gone is the user's. */
async function lookAgain(topic: string, lines: readonly Line[], cluster: Cluster): Promise<void> {
  const of = lines.filter((line) => line.of.topic === topic)
  if (of.some(({ verdict }) => verdict === 'topic') && (await isGone(cluster, topic))) {
    const code = errorCode.unknownTopicOrPartition
    for (const line of of) {
      line.verdict = 'refused'
      line.error = errorOf({ request: 'Produce', code, at: { topic }, by: 'a batch' })
    }
    return
  }
  // Where nobody answers, the next round goes to the leader that was known.
  await cluster.topics([topic]).catch(() => {})
}

function noLeader(topic: string, partition: number): MillraceError {
  return new MillraceError('log-unreachable', `partition ${topic}/${partition} has no leader`, {
    at: { topic, partition },
  })
}
