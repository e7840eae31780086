/** Batches to their leaders: those of a partition one after the other, leaders side by side. */
import { MillraceError } from '../../../core/error.ts'
import type { BatchOwner } from '../records/encode.ts'
import { ownBatch, sequenceAfter } from '../records/encode.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { produce } from '../wire/requests/produce.ts'
import type { ProduceBatch, ProducedBatch } from '../wire/requests/produce.ts'
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

/**
 * Sends all, in order. @returns the base offsets of the batches of each partition
 * @throws the first refusal, when no request is under way any more: some batches may have been
 * written, some not
 */
export async function sendBatches(
  partitions: readonly PartitionBatches[],
  options: SendOptions,
): Promise<Map<PartitionBatches, number[]>> {
  const offsets = new Map(partitions.map((one) => [one, one.batches.map(() => -1)]))
  const requests = requestsOf(partitions, options)
  const sent = requests.map(async ({ node, batches }) => {
    const request = { transactionalId: options.transactionalId, timeoutMs, batches }
    const answers = await options.cluster.send({ node }, produce, request, { purpose: 'produce' })
    for (const answer of answers) {
      const batch = batches.find(
        ({ topic, partition }) => topic === answer.topic && partition === answer.partition,
      )
      if (answer.code !== errorCode.none) {
        options.cluster.forget({ topic: answer.topic })
        throw refusal(answer)
      }
      const found = batch === undefined ? undefined : offsets.get(batch.of)
      if (found !== undefined && batch !== undefined) found[batch.index] = answer.baseOffset
    }
  })
  const results = await Promise.allSettled(sent)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return offsets
}

interface Request {
  readonly node: number
  readonly batches: Sending[]
}

/** A request has one batch of a partition; the next goes with the next request to its leader. */
function requestsOf(
  partitions: readonly PartitionBatches[],
  { cluster, owner, sequences }: SendOptions,
): Request[] {
  const requests: Request[] = []
  const rounds = Math.max(0, ...partitions.map(({ batches }) => batches.length))
  for (let index = 0; index < rounds; index++) {
    const open = new Map<number, { request: Request; bytes: number }>()
    for (const one of partitions) {
      const batch = one.batches[index]
      if (batch === undefined) continue
      const { topic, partition } = one
      const node = cluster.known(topic)?.partitions[partition]?.leader ?? -1
      if (node < 0) {
        cluster.forget({ topic })
        throw new MillraceError('log-unreachable', `partition ${topic}/${partition} has no leader`)
      }
      const key = `${partition} ${topic}`
      const baseSequence = sequences.get(key) ?? 0
      ownBatch(batch, { ...owner, baseSequence })
      sequences.set(key, sequenceAfter(baseSequence, batch.recordCount))
      let current = open.get(node)
      if (current === undefined || current.bytes + batch.bytes.length > requestBytesMax) {
        current = { request: { node, batches: [] }, bytes: 0 }
        open.set(node, current)
        requests.push(current.request)
      }
      current.bytes += batch.bytes.length
      current.request.batches.push({ topic, partition, bytes: batch.bytes, of: one, index })
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
  if (code === errorCode.invalidRecord) {
    return new MillraceError('invalid-argument', `the broker refuses a record: ${said}`, { at })
  }
  return new MillraceError('log-failed', `a batch was not written: ${said}`, { at })
}
