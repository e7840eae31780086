/** What topics are now: settings, where their partitions begin and end, and how large they are. */
import { isCode } from '../../../core/error.ts'
import type { TopicInfo, TopicPartition } from '../../log.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { describeConfigs } from '../wire/requests/describe-configs.ts'
import { describeLogDirs } from '../wire/requests/describe-log-dirs.ts'
import { retrying } from '../wire/retrying.ts'
import { placeKey } from './places.ts'
import { checkCode } from './refusal.ts'
import { configOf, settingNames } from './topic-settings.ts'

const limitMs = 30_000

/**
 * In the given order.
 * @throws `unknown-topic` · `not-authorised` · `log-unreachable`
 */
export async function topicInfos(
  cluster: Cluster,
  metas: readonly TopicMeta[],
): Promise<TopicInfo[]> {
  if (metas.length === 0) return []
  const places = metas.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partition }) => ({ topic, partition })),
  )
  const names = metas.map(({ name }) => name)
  const [settings, starts, ends, sizes] = await Promise.all([
    topicSettings(cluster, names),
    listOffsets(cluster, places, 'earliest'),
    listOffsets(cluster, places, 'latest'),
    partitionBytes(cluster, metas),
  ])
  let next = 0
  return metas.map(({ name, partitions }) => ({
    name,
    config: configOf(partitions.length, settings.get(name) ?? new Map()),
    createdMs: null, // Kafka does not keep it
    partitions: partitions.map(({ partition }) => {
      const [startOffset = 0, endOffset = 0] = [starts[next], ends[next]]
      next += 1
      const bytes = sizes.get(placeKey({ topic: name, partition })) ?? 0
      return { partition, startOffset, endOffset: Math.max(startOffset, endOffset), bytes }
    }),
  }))
}

/**
 * By topic; the settings of `settingNames`.
 * @throws `unknown-topic` · `not-authorised` · `log-unreachable`
 */
export async function topicSettings(
  cluster: Cluster,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
  const ask = async (): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> => {
    const request = { topics, settings: settingNames }
    const answers = await cluster.send('any', describeConfigs, request)
    for (const { code, reason, name } of answers) {
      checkCode(code, {
        failed: `the settings of topic '${name}' cannot be read`,
        right: `DescribeConfigs on topic ${name}`,
        at: { topic: name },
        message: reason,
      })
    }
    return new Map(answers.map(({ name, settings }) => [name, settings]))
  }
  return await retrying(ask, { clock: cluster.clock, limitMs })
}

/** As their leaders say. Nothing where this user may not ask, or a leader is away: for people. */
async function partitionBytes(
  cluster: Cluster,
  metas: readonly TopicMeta[],
): Promise<ReadonlyMap<string, number>> {
  const placesOf = new Map<number, TopicPartition[]>()
  for (const { name: topic, partitions } of metas) {
    for (const { partition, leader } of partitions) {
      if (leader < 0) continue
      const places = placesOf.get(leader) ?? []
      placesOf.set(leader, places)
      places.push({ topic, partition })
    }
  }
  const answers = await Promise.all(
    [...placesOf].map(async ([node, places]) => {
      try {
        const { code, sizes } = await cluster.send({ node }, describeLogDirs, { places })
        return code === errorCode.none ? sizes : []
      } catch (thrown) {
        if (isCode(thrown, 'log-unreachable')) return []
        throw thrown
      }
    }),
  )
  return new Map(answers.flat().map((size) => [placeKey(size), size.bytes]))
}
