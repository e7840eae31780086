/** Topics are created, grown, given other settings, deleted. Each change is known to all brokers
 * when its promise resolves. */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { createPartitions } from '../wire/requests/create-partitions.ts'
import { createTopics } from '../wire/requests/create-topics.ts'
import { deleteTopics } from '../wire/requests/delete-topics.ts'
import { incrementalAlterConfigs } from '../wire/requests/incremental-alter-configs.ts'
import { retrying } from '../wire/retrying.ts'
import { seenEverywhere, settingsEverywhere } from './everywhere.ts'
import { checkCode } from './refusal.ts'
import type { Asked } from './refusal.ts'
import type { Settings } from './topic-settings.ts'

const limitMs = 30_000
/** What a broker may take to answer; less than the time-out of a request. */
const timeoutMs = 8_000

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** −1: the brokers' default. */
  readonly replicationFactor: number
  readonly settings: Settings
}

/**
 * `exists`: whoever made it, perhaps this call, whose first answer was lost.
 * @throws `invalid-topic` · `not-authorised` · `log-unreachable`
 */
export async function makeTopic(cluster: Cluster, topic: NewTopic): Promise<'made' | 'exists'> {
  const { name, replicationFactor } = topic
  const replicas = replicationFactor < 0 ? '' : ` with ${replicationFactor} replicas`
  const asked = {
    failed: `topic '${name}'${replicas} cannot be created`,
    right: `Create on topic ${name}, or on the cluster`,
    at: { topic: name },
  }
  const { code } = await changed(cluster, asked, [errorCode.topicAlreadyExists], async () =>
    cluster.send('any', createTopics, { ...topic, timeoutMs }),
  )
  await seenEverywhere(cluster, name, (meta) => meta !== undefined && hasLeaders(meta))
  return code === errorCode.none ? 'made' : 'exists'
}

/** @param count more than it has @throws `invalid-topic` · `not-authorised` · `log-unreachable` */
export async function growTopic(cluster: Cluster, name: string, count: number): Promise<void> {
  const asked = {
    failed: `topic '${name}' cannot be given ${count} partitions`,
    right: `Alter on topic ${name}`,
    at: { topic: name },
  }
  const isGrown = (meta: TopicMeta | undefined): boolean =>
    meta !== undefined && meta.partitions.length >= count && hasLeaders(meta)
  const { code, reason } = await changed(cluster, asked, [errorCode.invalidPartitions], async () =>
    cluster.send('any', createPartitions, { name, count, timeoutMs }),
  )
  if (code === errorCode.invalidPartitions) {
    // Another has grown it meanwhile, or the answer to this request was lost.
    const topics = await cluster.topics([name], { fresh: true })
    if (!isGrown(topics.get(name))) checkCode(code, { ...asked, message: reason })
  }
  await seenEverywhere(cluster, name, isGrown)
}

/** @throws `invalid-topic` · `unknown-topic` · `not-authorised` · `log-unreachable` */
export async function setSettings(
  cluster: Cluster,
  name: string,
  settings: Settings,
): Promise<void> {
  const asked = {
    failed: `the settings of topic '${name}' cannot be changed`,
    right: `AlterConfigs on topic ${name}`,
    at: { topic: name },
  }
  await changed(cluster, asked, [], async () =>
    cluster.send('any', incrementalAlterConfigs, { topic: name, settings }),
  )
  await settingsEverywhere(cluster, name, (now) =>
    Object.entries(settings).every(([key, value]) => now.get(key) === value),
  )
}

/** @throws `unknown-topic` · `not-authorised` · `log-unsupported` · `log-unreachable` */
export async function dropTopic(cluster: Cluster, { name, id }: TopicMeta): Promise<void> {
  const asked = {
    failed: `topic '${name}' cannot be deleted`,
    right: `Delete on topic ${name}`,
    at: { topic: name },
  }
  const gone = [errorCode.unknownTopicOrPartition, errorCode.unknownTopicId]
  const { code, isRepeated } = await changed(cluster, asked, gone, async () =>
    cluster.send('any', deleteTopics, { id, timeoutMs }),
  )
  if (!isRepeated) checkCode(code, asked)
  await seenEverywhere(cluster, name, (meta) => meta?.id !== id)
}

/**
 * Sends until there is an answer that is not "later".
 * @param allowed codes that are given back instead of thrown
 * @returns `isRepeated`: an earlier try may have done it
 */
async function changed(
  cluster: Cluster,
  asked: Asked,
  allowed: readonly number[],
  send: () => Promise<{ readonly code: number; readonly reason: string | null }>,
): Promise<{ code: number; reason: string | null; isRepeated: boolean }> {
  let isRepeated = false
  const ask = async (): Promise<{ code: number; reason: string | null; isRepeated: boolean }> => {
    try {
      const { code, reason } = await send()
      if (!allowed.includes(code)) {
        if (code === errorCode.requestTimedOut) isRepeated = true
        checkCode(code, { ...asked, message: reason })
      }
      return { code, reason, isRepeated }
    } catch (thrown) {
      if (isCode(thrown, 'log-unreachable') && thrown.outcome === 'unknown') isRepeated = true
      throw thrown
    }
  }
  return await retrying(ask, { clock: cluster.clock, limitMs })
}

function hasLeaders({ partitions }: TopicMeta): boolean {
  return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)
}

/** Topics that belong to the brokers. */
export function isInternalTopic({ name, isInternal }: TopicMeta): boolean {
  return isInternal || internalNames.has(name)
}

/** @throws `invalid-topic` */
export function checkNotInternal(meta: TopicMeta): void {
  if (!isInternalTopic(meta)) return
  throw new MillraceError('invalid-topic', `topic '${meta.name}' belongs to the brokers`, {
    at: { topic: meta.name },
    hint: "leave it to them, or use Kafka's own tools",
  })
}

/** Not all of them are marked by every version. */
const internalNames: ReadonlySet<string> = new Set([
  '__cluster_metadata',
  '__consumer_offsets',
  '__remote_log_metadata',
  '__share_group_state',
  '__transaction_state',
])
