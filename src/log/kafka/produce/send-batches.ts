/** Batches to their leaders: those of a partition one after the other, leaders side by side. */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { BatchOwner } from '../records/encode.ts'
import { ownBatch, sequenceAfter } from '../records/encode.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { produce } from '../wire/requests/produce.ts'
import type { ProduceBatch, ProducedBatch } from '../wire/requests/produce.ts'
import { isTransient, retrying, TryAgain } from '../wire/retrying.ts'
import type { PartitionBatches } from './appends.ts'

/** Of one request; the broker's own limit is 100 MiB. */
const requestBytesMax = 4 << 20
const timeoutMs = 10_000

/** Sequence numbers of one producer id, by partition. */
export type Sequences = Map<string, number>

export interface SendOptions {
  readonly cluster: Cluster
  readonly transactionalId: string | null
  readonly owner: Omit<BatchOwner, 'baseSequence'>
  readonly sequences: Sequences
}

interface Sending extends ProduceBatch {
  readonly of: PartitionBatches
  readonly index: number
}

/** For refusals that pass by themselves: a leader that moves, a topic that was just made. */
const limitMs = 15_000

/**
 * Sends all, in order. A batch that was refused for now is sent again with the same number.
 * @returns the base offsets of the batches of each partition
 * @throws the first final refusal, when no request is under way any more: some batches may have
 * been written, some not
 */
export async function sendBatches(
  partitions: readonly PartitionBatches[],
  options: SendOptions,
): Promise<Map<PartitionBatches, number[]>> {
  const { cluster } = options
  const offsets = new Map(partitions.map((one) => [one, one.batches.map(() => -1)]))
  let left = numbered(partitions, options)
  const send = async (): Promise<void> => {
    const refused = await sendOnce(left, options, offsets)
    left = left.filter(({ of, index }) => offsets.get(of)?.[index] === -1)
    if (refused === null) return
    await cluster.topics([...new Set(left.map(({ topic }) => topic))])
    throw new TryAgain(refused)
  }
  await retrying(send, { clock: cluster.clock, limitMs, pauseMs: 5, pauseMsMax: 200 })
  return offsets
}

/** Each batch with its owner and its number, those of a partition in order. */
function numbered(
  partitions: readonly PartitionBatches[],
  { owner, sequences }: SendOptions,
): Sending[] {
  return partitions.flatMap((of) =>
    of.batches.map((batch, index) => {
      const { topic, partition } = of
      const key = `${partition} ${topic}`
      const baseSequence = sequences.get(key) ?? 0
      ownBatch(batch, { ...owner, baseSequence })
      sequences.set(key, sequenceAfter(baseSequence, batch.recordCount))
      return { topic, partition, bytes: batch.bytes, of, index }
    }),
  )
}

/** @returns the first refusal that may pass; null where all is written */
async function sendOnce(
  batches: readonly Sending[],
  { cluster, transactionalId }: SendOptions,
  offsets: ReadonlyMap<PartitionBatches, number[]>,
): Promise<MillraceError | null> {
  let passing: MillraceError | null = null
  let final: MillraceError | null = null
  /** Partitions of which a batch was refused for now: those behind it have a gap before them. */
  const interrupted = new Set<PartitionBatches>()
  const sent = requestsOf(batches, cluster).map(async ({ node, batches: list }) => {
    const request = { transactionalId, timeoutMs, batches: list }
    const answers = await cluster.send({ node }, produce, request, { purpose: 'produce' })
    for (const answer of answers) {
      const batch = list.find(
        ({ topic, partition }) => topic === answer.topic && partition === answer.partition,
      )
      if (batch === undefined) continue
      const { code } = answer
      if (code === errorCode.none) {
        const found = offsets.get(batch.of)
        if (found !== undefined) found[batch.index] = answer.baseOffset
        continue
      }
      const isBehind = code === errorCode.outOfOrderSequenceNumber && interrupted.has(batch.of)
      if (isTransient(code) || isBehind) {
        interrupted.add(batch.of)
        cluster.forget({ topic: answer.topic })
        passing ??= refusal(answer)
      } else final ??= refusal(answer)
    }
  })
  const results = await Promise.allSettled(sent)
  if (final !== null) throw final as MillraceError
  for (const result of results) if (result.status === 'rejected') throw lost(result.reason)
  return passing
}

/** With a request on its way, nobody knows what was written; it is not asked again from here. */
function lost(thrown: unknown): unknown {
  if (!isCode(thrown, 'log-unreachable')) return thrown
  return new MillraceError('log-failed', `a batch may not have been written: ${thrown.message}`, {
    outcome: thrown.outcome,
    cause: thrown,
  })
}

interface Request {
  readonly node: number
  readonly batches: Sending[]
}

/** A request has one batch of a partition; the next goes with the next request to its leader. */
function requestsOf(batches: readonly Sending[], cluster: Cluster): Request[] {
  const requests: Request[] = []
  const rounds = Map.groupBy(batches, ({ index }) => index)
  for (const index of [...rounds.keys()].toSorted((a, b) => a - b)) {
    const open = new Map<number, { request: Request; bytes: number }>()
    for (const batch of rounds.get(index) ?? []) {
      const { topic, partition, bytes } = batch
      const node = cluster.known(topic)?.partitions[partition]?.leader ?? -1
      if (node < 0) {
        cluster.forget({ topic })
        const text = `partition ${topic}/${partition} has no leader`
        throw new TryAgain(new MillraceError('log-unreachable', text))
      }
      let current = open.get(node)
      if (current === undefined || current.bytes + bytes.length > requestBytesMax) {
        current = { request: { node, batches: [] }, bytes: 0 }
        open.set(node, current)
        requests.push(current.request)
      }
      current.bytes += bytes.length
      current.request.batches.push(batch)
    }
  }
  return requests
}

const fencedCodes: ReadonlySet<number> = new Set([
  errorCode.invalidProducerEpoch,
  errorCode.producerFenced,
])
const sizeCodes: ReadonlySet<number> = new Set([
  errorCode.messageTooLarge,
  errorCode.recordListTooLarge,
])

/** What a broker's refusal of a batch means. */
export function refusal({ topic, partition, code, reason }: ProducedBatch): MillraceError {
  const at = { topic, partition }
  const said = reason === null ? codeName(code) : `${codeName(code)}, ${reason}`
  if (fencedCodes.has(code)) {
    return new MillraceError('task-fenced', `a later producer has taken over: ${said}`, { at })
  }
  if (sizeCodes.has(code)) {
    return new MillraceError('record-too-large', `a batch is over the topic's limit: ${said}`, {
      at,
      hint: 'raise max.message.bytes of the topic',
    })
  }
  if (code === errorCode.topicAuthorizationFailed) {
    return new MillraceError('not-authorised', `no right to write to topic '${topic}'`, {
      at,
      hint: 'give this user the ACLs Describe and Write on the topic',
    })
  }
  if (code === errorCode.invalidTimestamp) {
    return new MillraceError('invalid-argument', `the broker refuses a record's time: ${said}`, {
      at,
      hint: 'raise message.timestamp.after.max.ms and …before.max.ms of the topic',
    })
  }
  if (code === errorCode.invalidRecord) {
    return new MillraceError('invalid-argument', `the broker refuses a record: ${said}`, { at })
  }
  return new MillraceError('log-failed', `a batch was not written: ${said}`, { at })
}
