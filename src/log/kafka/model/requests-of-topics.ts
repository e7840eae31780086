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
import type { At, BrokerParts, Handle } from './broker-parts.ts'
import type { ModelPartition } from './model-partition.ts'

const c = errorCode

export const topicRequests: Readonly<Record<string, Handle>> = {
  Metadata: metadata,
  FindCoordinator: coordinator,
  Fetch: ({ brokers, node, request }: At<FetchRequest>) => brokers.fetches.answer(node, request),
  ListOffsets: listOffsets,
  CreateTopics: ({ brokers, request }: At<CreateTopicsRequest>) => brokers.topics.create(request),
  CreatePartitions: ({ brokers, request }: At<CreatePartitionsRequest>) =>
    brokers.topics.grow(request.name, request.count),
  DeleteTopics: deleteTopic,
  DescribeConfigs: describe,
  IncrementalAlterConfigs: ({ brokers, request }: At<AlterConfigsRequest>) =>
    brokers.topics.alter(request.topic, request.settings),
  DescribeLogDirs: sizes,
  DeleteRecords: deleteRecords,
}

function metadata({ brokers, request }: At<MetadataRequest>): MetadataAnswer {
  const { topics, placement, up } = brokers
  const names = request.topics ?? topics.all.map(({ name }) => name)
  const found = names.map((name) => topics.answerOf(name, (node) => placement.isUp(node)))
  return { brokers: up, clusterId: 'model', topics: found }
}

function coordinator({ brokers, request }: At<FindCoordinatorRequest>): FindCoordinatorAnswer {
  const node = brokers.placement.coordinatorOf(request.kind, request.key)
  return { code: c.none, reason: null, broker: brokers.brokerOf(node) }
}

function listOffsets({ brokers, node, request }: At<ListOffsetsRequest>): ListedOffset[] {
  return request.places.map((place) => {
    const found = ledBy(brokers, node, place)
    if (typeof found === 'number') return { ...placeOf(place), code: found, offset: -1 }
    return { ...placeOf(place), code: c.none, offset: offsetAt(found, request.timestamp) }
  })
}

function offsetAt(partition: ModelPartition, timestamp: number): number {
  if (timestamp === -2) return partition.start
  return timestamp === -1 ? partition.stableEnd : partition.firstAt(timestamp)
}

function deleteTopic({ brokers, request }: At<{ readonly id: string }>): unknown {
  const { topics, groups, fetches } = brokers
  const name = topics.byId(request.id)?.name
  const answer = topics.delete(request.id)
  if (name !== undefined) groups.forget(name)
  fetches.changed()
  return answer
}

interface DescribeConfigsRequest {
  readonly topics: readonly string[]
  readonly settings: readonly string[]
}

function describe({ brokers, request }: At<DescribeConfigsRequest>): DescribedConfig[] {
  const { topics } = brokers
  return request.topics.map((name) => {
    const topic = topics.get(name)
    const code = topic === undefined ? c.unknownTopicOrPartition : c.none
    const settings = request.settings.flatMap((key) =>
      topic === undefined ? [] : [[key, topics.setting(topic, key)] as const],
    )
    return { name, code, reason: null, settings: new Map(settings) }
  })
}

function sizes({ brokers, node, request }: At<DescribeLogDirsRequest>): DescribeLogDirsAnswer {
  const found = request.places.flatMap((place) => {
    const partition = ledBy(brokers, node, place)
    return typeof partition === 'number' ? [] : { ...placeOf(place), bytes: partition.size }
  })
  return { code: c.none, sizes: found }
}

function deleteRecords({ brokers, node, request }: At<DeleteRecordsRequest>): DeletedRecords[] {
  const deleted = request.offsets.map((place) => {
    const found = ledBy(brokers, node, place)
    if (typeof found === 'number') return { ...placeOf(place), code: found }
    if (place.offset > found.end) return { ...placeOf(place), code: c.offsetOutOfRange }
    found.trim(place.offset)
    return { ...placeOf(place), code: c.none }
  })
  brokers.fetches.changed()
  return deleted
}

interface Place {
  readonly topic: string
  readonly partition: number
}

function placeOf({ topic, partition }: Place): Place {
  return { topic, partition }
}

/** The partition, where the broker leads it; else the code. */
export function ledBy(brokers: BrokerParts, node: number, place: Place): ModelPartition | number {
  const found = brokers.topics.at(place)
  if (found === undefined) return c.unknownTopicOrPartition
  return found.leader === node ? found : c.notLeaderOrFollower
}
