/** Requests about topics and their records, and who leads what. */
import { errorCode } from '../wire/error-codes.ts'
import type { CreatePartitionsRequest } from '../wire/requests/create-partitions.ts'
import type { CreateTopicsRequest } from '../wire/requests/create-topics.ts'
import type { DeletedRecords, DeleteRecordsRequest } from '../wire/requests/delete-records.ts'
import type { DescribedConfig } from '../wire/requests/describe-configs.ts'
import type {
  DescribeLogDirsAnswer,
  DescribeLogDirsRequest,
} from '../wire/requests/describe-log-dirs.ts'
import type { FetchRequest } from '../wire/requests/fetch.ts'
import type {
  FindCoordinatorAnswer,
  FindCoordinatorRequest,
} from '../wire/requests/find-coordinator.ts'
import type { AlterConfigsRequest } from '../wire/requests/incremental-alter-configs.ts'
import type { ListedOffset, ListOffsetsRequest } from '../wire/requests/list-offsets.ts'
import type { MetadataAnswer, MetadataRequest } from '../wire/requests/metadata.ts'
import type { BrokerState, Handles } from './broker-state.ts'
import type { ModelPartition } from './model-partition.ts'

const c = errorCode

export function topicRequests(brokers: BrokerState): Handles {
  return [...placeRequests(brokers), ...settingRequests(brokers)]
}

/** Who leads what, and how far it goes. */
function placeRequests(brokers: BrokerState): Handles {
  const { topics, placement, fetches } = brokers
  const isUp = placement.isUp.bind(placement)

  const metadata = (_node: number, request: MetadataRequest): MetadataAnswer => {
    const names = request.topics ?? topics.all.map(({ name }) => name)
    const found = names.map((name) => topics.answerOf(name, isUp))
    return { brokers: brokers.up, clusterId: 'model', topics: found }
  }

  const coordinator = (_node: number, asked: FindCoordinatorRequest): FindCoordinatorAnswer => {
    const node = placement.coordinatorOf(asked.kind, asked.key)
    return { code: c.none, reason: null, broker: brokers.brokerOf(node) }
  }

  const listOffsets = (node: number, request: ListOffsetsRequest): ListedOffset[] =>
    request.places.map((place) => {
      const found = ledBy(brokers, node, place)
      if (typeof found === 'number') return { ...placeOf(place), code: found, offset: -1 }
      const { timestamp } = request
      const offset =
        timestamp === -2
          ? found.start
          : timestamp === -1
            ? found.stableEnd
            : found.firstAt(timestamp)
      return { ...placeOf(place), code: c.none, offset }
    })

  const deleteTopic = (_node: number, { id }: { readonly id: string }): unknown => {
    const name = topics.byId(id)?.name
    const answer = topics.delete(id)
    if (name !== undefined) brokers.groups.forget(name)
    fetches.changed()
    return answer
  }

  return [
    ['Metadata', metadata],
    ['FindCoordinator', coordinator],
    ['Fetch', (node, request: FetchRequest) => fetches.answer(node, request)],
    ['ListOffsets', listOffsets],
    ['CreateTopics', (_node, request: CreateTopicsRequest) => topics.create(request)],
    [
      'CreatePartitions',
      (_node, { name, count }: CreatePartitionsRequest) => topics.grow(name, count),
    ],
    ['DeleteTopics', deleteTopic],
  ]
}

/** Settings and sizes, and what is deleted. */
function settingRequests(brokers: BrokerState): Handles {
  const { topics, fetches } = brokers

  const describe = (
    _node: number,
    request: { readonly topics: readonly string[]; readonly settings: readonly string[] },
  ): DescribedConfig[] =>
    request.topics.map((name) => {
      const topic = topics.get(name)
      const code = topic === undefined ? c.unknownTopicOrPartition : c.none
      const settings = request.settings.flatMap((key) =>
        topic === undefined ? [] : [[key, topics.setting(topic, key)] as const],
      )
      return { name, code, reason: null, settings: new Map(settings) }
    })

  const sizes = (node: number, { places }: DescribeLogDirsRequest): DescribeLogDirsAnswer => ({
    code: c.none,
    sizes: places.flatMap((place) => {
      const found = topics.at(place)
      return found === undefined || found.leader !== node
        ? []
        : { ...placeOf(place), bytes: found.size }
    }),
  })

  const deleteRecords = (node: number, { offsets }: DeleteRecordsRequest): DeletedRecords[] => {
    const deleted = offsets.map((place) => {
      const found = ledBy(brokers, node, place)
      if (typeof found === 'number') return { ...placeOf(place), code: found }
      if (place.offset > found.end) return { ...placeOf(place), code: c.offsetOutOfRange }
      found.trim(place.offset)
      return { ...placeOf(place), code: c.none }
    })
    fetches.changed()
    return deleted
  }

  return [
    ['DescribeConfigs', describe],
    [
      'IncrementalAlterConfigs',
      (_node, { topic, settings }: AlterConfigsRequest) => topics.alter(topic, settings),
    ],
    ['DescribeLogDirs', sizes],
    ['DeleteRecords', deleteRecords],
  ]
}

interface Place {
  readonly topic: string
  readonly partition: number
}

function placeOf({ topic, partition }: Place): Place {
  return { topic, partition }
}

/** The partition, where the broker leads it; else the code. */
export function ledBy(brokers: BrokerState, node: number, place: Place): ModelPartition | number {
  const found = brokers.topics.at(place)
  if (found === undefined) return c.unknownTopicOrPartition
  return found.leader === node ? found : c.notLeaderOrFollower
}
