/** Requests of producers: the transactions that records are written in. */
import { errorCode } from '../wire/error-codes.ts'
import type { AddOffsetsToTxnRequest } from '../wire/requests/add-offsets-to-txn.ts'
import type {
  AddedPartition,
  AddPartitionsToTxnRequest,
} from '../wire/requests/add-partitions-to-txn.ts'
import type { EndTxnAnswer, EndTxnRequest, Producer } from '../wire/requests/end-txn.ts'
import type { InitProducerIdRequest } from '../wire/requests/init-producer-id.ts'
import type { CommittedOffset, TxnOffsetCommitRequest } from '../wire/requests/txn-offset-commit.ts'
import type { BrokerState, Handle, Handles } from './broker-state.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'

/** Versions in which a producer names what it touches by touching it [KIP-890, part 2]. */
const commitAndAdd = 5
const endAndRise = 5

const c = errorCode

export function transactionRequests(brokers: BrokerState): Handles {
  const { transactions, placement, topics, groups } = brokers
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
      verified(transactions, request, {
        adds: version >= commitAndAdd,
        touched: groupTouched(request.group),
      })
    if (code === c.none) return groups.commitInTransaction(request)
    return request.offsets.map(({ topic, partition }) => ({ topic, partition, code }))
  }

  return [
    ['InitProducerId', init],
    ['AddPartitionsToTxn', addPartitions],
    ['AddOffsetsToTxn', addOffsets],
    ['EndTxn', end],
    ['TxnOffsetCommit', commitOffsets],
    ['DescribeTransactions', describe(brokers)],
  ]
}

function describe({ transactions, placement }: BrokerState): Handle {
  return (node, ids: readonly string[]) =>
    ids.map((id) => {
      const code = placement.judge(node, 'transaction', id)
      return code === c.none ? transactions.describe(id) : { ...nobody, transactionalId: id, code }
    })
}

const nobody = { state: '', producerId: -1, epoch: -1 }

interface Place {
  readonly topic: string
  readonly partition: number
}

/** What `ModelBrokers` marks. */
export function placeTouched({ topic, partition }: Place): string {
  return JSON.stringify(['partition', topic, partition])
}

function groupTouched(group: string): string {
  return JSON.stringify(['group', group])
}

/** What the transaction coordinator says to whoever asks for a producer. */
export function verified(
  transactions: TransactionCoordinator,
  producer: Producer,
  { adds, touched }: { readonly adds: boolean; readonly touched: string },
): number {
  if (transactions.has(producer, touched)) return c.none
  if (!adds) return c.transactionAbortable
  const code = transactions.add(producer, [touched])
  return code === c.producerFenced ? c.invalidProducerEpoch : code
}
