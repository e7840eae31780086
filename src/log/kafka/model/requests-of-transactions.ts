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
import type { At, BrokerParts, Handle } from './broker-parts.ts'
import { ledBy } from './requests-of-topics.ts'

/** Versions in which a producer names what it touches by touching it [KIP-890, part 2]. */
const produceAndAdd = 12
const commitAndAdd = 5
const endAndRise = 5
/** A leader asks a coordinator that is busy with the last transaction again. */
const busyMs = 20
const busyTries = 5

const c = errorCode

export const transactionRequests: Readonly<Record<string, Handle>> = {
  InitProducerId: init,
  AddPartitionsToTxn: addPartitions,
  AddOffsetsToTxn: addOffsets,
  EndTxn: end,
  TxnOffsetCommit: commitOffsets,
  Produce: produce,
  DescribeTransactions: describe,
}

function init({ brokers, node, request }: At<InitProducerIdRequest>): unknown {
  const { transactionalId: id } = request
  const code = id === null ? c.none : brokers.placement.judge(node, 'transaction', id)
  return code === c.none ? brokers.transactions.init(request) : { code, producerId: -1, epoch: -1 }
}

function addPartitions({ brokers, node, request }: At<AddPartitionsToTxnRequest>): unknown {
  const { topics, placement, transactions } = brokers
  const moved = placement.judge(node, 'transaction', request.transactionalId)
  const all = (code: number): AddedPartition[] =>
    request.places.map(({ topic, partition }) => ({ topic, partition, code }))
  if (moved !== c.none) return all(moved)
  if (request.places.every((place) => topics.at(place) !== undefined)) {
    return all(transactions.add(request, request.places.map(placeTouched)))
  }
  return request.places.map(({ topic, partition }) => {
    const isThere = topics.at({ topic, partition }) !== undefined
    const code = isThere ? c.operationNotAttempted : c.unknownTopicOrPartition
    return { topic, partition, code }
  })
}

function addOffsets({ brokers, node, request }: At<AddOffsetsToTxnRequest>): { code: number } {
  const moved = brokers.placement.judge(node, 'transaction', request.transactionalId)
  if (moved !== c.none) return { code: moved }
  return { code: brokers.transactions.add(request, [groupTouched(request.group)]) }
}

function end({ brokers, node, request, version }: At<EndTxnRequest>): EndTxnAnswer {
  const code = brokers.placement.judge(node, 'transaction', request.transactionalId)
  if (code !== c.none) return { code, next: null }
  return brokers.transactions.end(request, version >= endAndRise)
}

function commitOffsets(at: At<TxnOffsetCommitRequest>): CommittedOffset[] {
  const { brokers, node, request, version } = at
  const moved = brokers.placement.judge(node, 'group', request.group)
  const touched = groupTouched(request.group)
  const adds = version >= commitAndAdd
  const code = moved === c.none ? verified(brokers, request, { touched, adds }) : moved
  if (code === c.none) return brokers.groups.commitInTransaction(request)
  return request.offsets.map(({ topic, partition }) => ({ topic, partition, code }))
}

interface Touching {
  readonly touched: string
  /** Whether it is added to the transaction by being touched. */
  readonly adds: boolean
}

/** What the transaction coordinator says to whoever asks for a producer. */
function verified(
  { transactions }: BrokerParts,
  producer: Producer,
  { touched, adds }: Touching,
): number {
  if (transactions.has(producer, touched)) return c.none
  if (!adds) return c.transactionAbortable
  const code = transactions.add(producer, [touched])
  return code === c.producerFenced ? c.invalidProducerEpoch : code
}

async function produce(at: At<ProduceRequest>): Promise<ProducedBatch[]> {
  const { brokers, node, request, version } = at
  const { transactionalId, batches } = request
  const adds = version >= produceAndAdd
  const verifying =
    transactionalId === null
      ? []
      : batches.map((one) => verifiedBatch(brokers, transactionalId, one, adds))
  const codes = await Promise.all(verifying)
  const answers = batches.map((batch, i) => {
    const { topic, partition } = batch
    const written = write(brokers, node, batch, codes[i] ?? c.none)
    return { topic, partition, code: written.code, baseOffset: written.offset, reason: null }
  })
  brokers.fetches.changed()
  return answers
}

async function verifiedBatch(
  brokers: BrokerParts,
  transactionalId: string,
  { topic, partition, bytes }: ProduceBatch,
  adds: boolean,
): Promise<number> {
  if (brokers.topics.at({ topic, partition }) === undefined) return c.none // said later
  const [producerId, epoch] = [Number(bytes.readBigInt64BE(43)), bytes.readInt16BE(51)]
  const touched = placeTouched({ topic, partition })
  for (let tries = 1; ; tries++) {
    const code = verified(brokers, { transactionalId, producerId, epoch }, { touched, adds })
    if (code !== c.concurrentTransactions || tries === busyTries) return code
    await pause(brokers.clock, busyMs)
  }
}

/** @param code what the transaction coordinator says */
function write(
  brokers: BrokerParts,
  node: number,
  batch: ProduceBatch,
  code: number,
): { readonly code: number; readonly offset: number } {
  const { topics } = brokers
  const refuse = (refusal: number): { code: number; offset: number } => ({
    code: refusal,
    offset: -1,
  })
  const found = ledBy(brokers, node, batch)
  if (typeof found === 'number') return refuse(found)
  if (code !== c.none) return refuse(code)
  const topic = topics.get(batch.topic)
  if (topic !== undefined) {
    const bytesMax = Number(topics.setting(topic, 'max.message.bytes'))
    if (batch.bytes.length > bytesMax) return refuse(c.messageTooLarge)
    const isCompacted = topics.setting(topic, 'cleanup.policy')?.includes('compact') === true
    if (isCompacted && lacksKey(batch.bytes)) return refuse(c.invalidRecord)
  }
  return found.append(batch.bytes)
}

function describe({ brokers, node, request }: At<readonly string[]>): unknown {
  return request.map((transactionalId) => {
    const code = brokers.placement.judge(node, 'transaction', transactionalId)
    if (code === c.none) return brokers.transactions.describe(transactionalId)
    return { code, transactionalId, state: '', producerId: -1, epoch: -1 }
  })
}

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
