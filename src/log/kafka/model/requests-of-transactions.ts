/** Requests of producers: records, and the transactions they are written in. */
import { BatchDecoder } from '../records/decode.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { AddOffsetsToTxnRequest } from '../wire/requests/add-offsets-to-txn.ts'
import type {
  AddedPartition,
  AddPartitionsToTxnRequest,
} from '../wire/requests/add-partitions-to-txn.ts'
import type { EndTxnAnswer, EndTxnRequest, Producer } from '../wire/requests/end-txn.ts'
import type { InitProducerIdRequest } from '../wire/requests/init-producer-id.ts'
import type { ProduceBatch, ProducedBatch, ProduceRequest } from '../wire/requests/produce.ts'
import type { CommittedOffset, TxnOffsetCommitRequest } from '../wire/requests/txn-offset-commit.ts'
import { pause } from '../wire/retrying.ts'
import type { Handle, ModelBrokers } from './model-brokers.ts'
import { ledBy } from './requests-of-topics.ts'

/** Versions in which a producer names what it touches by touching it [KIP-890, part 2]. */
const produceAndAdd = 12
const commitAndAdd = 5
const endAndRise = 5
/** A leader asks a coordinator that is busy with the last transaction again. */
const busyMs = 20
const busyTries = 5

const c = errorCode

export function transactionRequests(brokers: ModelBrokers): readonly (readonly [string, Handle])[] {
  const { transactions, placement, topics, groups, fetches } = brokers
  const judge = (node: number, id: string): number => placement.judge(node, 'transaction', id)

  const init = (node: number, request: InitProducerIdRequest): unknown => {
    const { transactionalId: id } = request
    const code = id === null ? c.none : judge(node, id)
    return code === c.none ? transactions.init(request) : { code, producerId: -1, epoch: -1 }
  }

  const addPartitions = (node: number, request: AddPartitionsToTxnRequest): AddedPartition[] => {
    const moved = judge(node, request.transactionalId)
    const all = (code: number): AddedPartition[] =>
      request.places.map(({ topic, partition }) => ({ topic, partition, code }))
    if (moved !== c.none) return all(moved)
    if (request.places.every((place) => topics.at(place) !== undefined)) {
      return all(transactions.add(request, request.places.map(placeTouched)))
    }
    return request.places.map((place) => {
      const isThere = topics.at(place) !== undefined
      const code = isThere ? c.operationNotAttempted : c.unknownTopicOrPartition
      return { topic: place.topic, partition: place.partition, code }
    })
  }

  const addOffsets = (node: number, request: AddOffsetsToTxnRequest): { code: number } => {
    const moved = judge(node, request.transactionalId)
    if (moved !== c.none) return { code: moved }
    return { code: transactions.add(request, [groupTouched(request.group)]) }
  }

  const end: Handle = (node, request: EndTxnRequest, { version }): EndTxnAnswer => {
    const code = judge(node, request.transactionalId)
    if (code !== c.none) return { code, next: null }
    return transactions.end(request, version >= endAndRise)
  }

  const commitOffsets: Handle = (
    node,
    request: TxnOffsetCommitRequest,
    { version },
  ): CommittedOffset[] => {
    const code =
      placement.judge(node, 'group', request.group) ||
      verified(version >= commitAndAdd, request, groupTouched(request.group))
    if (code === c.none) return groups.commitInTransaction(request)
    return request.offsets.map(({ topic, partition }) => ({ topic, partition, code }))
  }

  /** What the transaction coordinator says to whoever asks for a producer. */
  const verified = (adds: boolean, producer: Producer, touched: string): number => {
    if (transactions.has(producer, touched)) return c.none
    if (!adds) return c.transactionAbortable
    const code = transactions.add(producer, [touched])
    return code === c.producerFenced ? c.invalidProducerEpoch : code
  }

  const produce: Handle = async (
    node,
    request: ProduceRequest,
    { version },
  ): Promise<ProducedBatch[]> => {
    const { transactionalId, batches } = request
    const adding =
      transactionalId === null
        ? []
        : batches.map((one) => verifiedBatch(version >= produceAndAdd, transactionalId, one))
    const codes = await Promise.all(adding)
    const answers = batches.map((batch, i) => write(node, batch, codes[i] ?? c.none))
    fetches.changed()
    return answers
  }

  const verifiedBatch = async (
    adds: boolean,
    transactionalId: string,
    { topic, partition, bytes }: ProduceBatch,
  ): Promise<number> => {
    const [producerId, epoch] = [Number(bytes.readBigInt64BE(43)), bytes.readInt16BE(51)]
    const producer = { transactionalId, producerId, epoch }
    const found = topics.at({ topic, partition })
    if (found === undefined) return c.none // said below
    for (let tries = 1; ; tries++) {
      const code = verified(adds, producer, placeTouched({ topic, partition }))
      if (code !== c.concurrentTransactions || tries === busyTries) return code
      await pause(brokers.clock, busyMs)
    }
  }

  const write = (node: number, batch: ProduceBatch, code: number): ProducedBatch => {
    const { topic, partition, bytes } = batch
    const refuse = (refusal: number): ProducedBatch => ({
      topic,
      partition,
      code: refusal,
      baseOffset: -1,
      reason: null,
    })
    const found = ledBy(brokers, node, batch)
    if (typeof found === 'number') return refuse(found)
    if (code !== c.none) return refuse(code)
    const known = topics.get(topic)
    if (known !== undefined) {
      if (bytes.length > Number(topics.setting(known, 'max.message.bytes'))) {
        return refuse(c.messageTooLarge)
      }
      const isCompacted = topics.setting(known, 'cleanup.policy')?.includes('compact') === true
      if (isCompacted && lacksKey(bytes)) return refuse(c.invalidRecord)
    }
    const { code: refusal, offset } = found.append(bytes)
    return { ...refuse(refusal), baseOffset: offset }
  }

  return [
    ['InitProducerId', init],
    ['AddPartitionsToTxn', addPartitions],
    ['AddOffsetsToTxn', addOffsets],
    ['EndTxn', end],
    ['TxnOffsetCommit', commitOffsets],
    ['Produce', produce],
    [
      'DescribeTransactions',
      (node, ids: readonly string[]) =>
        ids.map((id) => {
          const code = judge(node, id)
          return code === c.none
            ? transactions.describe(id)
            : { ...nobody, transactionalId: id, code }
        }),
    ],
  ]
}

const nobody = { state: '', producerId: -1, epoch: -1 }

interface Place {
  readonly topic: string
  readonly partition: number
}

/** What `ModelBrokers` marks. */
function placeTouched({ topic, partition }: Place): string {
  return JSON.stringify(['partition', topic, partition])
}

function groupTouched(group: string): string {
  return JSON.stringify(['group', group])
}

function lacksKey(bytes: Buffer): boolean {
  const decoder = new BatchDecoder({ topic: '', partition: 0, bytes, fromOffset: 0, aborted: [] })
  const batch = decoder.next()
  for (let i = 0; i < (batch?.count ?? 0); i++) if (batch?.keyIsNull(i) === true) return true
  return false
}
