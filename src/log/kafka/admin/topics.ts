/** Topics of a cluster: made, described, changed, trimmed, deleted. */
import { MillraceError } from '../../../core/error.ts'
import type { GroupOffset, TopicConfig, TopicInfo } from '../../log.ts'
import { checkTopicName, checkTrimmable, mergeConfig, sameConfig } from '../../topic-rules.ts'
import { aboveEnd } from '../fetch/fetcher.ts'
import { listOffsets, unknownPartition, unknownTopic } from '../fetch/offsets.ts'
import type { TopicLimits } from '../produce/appends.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { createPartitions } from '../wire/requests/create-partitions.ts'
import { createTopics } from '../wire/requests/create-topics.ts'
import { deleteRecords } from '../wire/requests/delete-records.ts'
import { deleteTopics } from '../wire/requests/delete-topics.ts'
import { describeConfigs } from '../wire/requests/describe-configs.ts'
import { describeLogDirs } from '../wire/requests/describe-log-dirs.ts'
import { incrementalAlterConfigs } from '../wire/requests/incremental-alter-configs.ts'
import { isTransient, pause, retrying, TryAgain } from '../wire/retrying.ts'
import { batchBytesMaxOf, configOf, settingNames, settingsOf } from './topic-settings.ts'

const limitMs = 30_000
const pollMs = 10
/** Settings are believed for so long. */
const limitsMsMax = 30_000

export class KafkaTopics {
  readonly #cluster: Cluster
  readonly #replicationFactor: number
  readonly #limits: Map<string, { limits: Promise<TopicLimits>; untilMs: number }> = new Map()

  /** @param replicationFactor −1: the brokers' default */
  constructor(cluster: Cluster, replicationFactor = -1) {
    this.#cluster = cluster
    this.#replicationFactor = replicationFactor
  }

  async create(name: string, change: Partial<TopicConfig> = {}): Promise<TopicInfo> {
    checkTopicName(name)
    const wanted = mergeConfig(name, change)
    const code = await this.#make(name, wanted.partitions, settingsOf(wanted))
    if (code !== errorCode.topicAlreadyExists) return await this.describe(name)
    const existing = await this.describe(name)
    if (sameConfig(existing.config, wanted)) return existing
    throw new MillraceError('topic-exists', `topic '${name}' exists with other settings`, {
      at: { topic: name },
      hint: `see them: millrace topics describe ${name}`,
    })
  }

  /** Makes a topic with Kafka's own settings, unless it exists. Resolves when it can be used. */
  async ensure(
    name: string,
    partitions: number,
    settings: Readonly<Record<string, string>>,
  ): Promise<void> {
    const code = await this.#make(name, partitions, settings)
    if (code !== errorCode.topicAlreadyExists) return
    const look = async (): Promise<number> => {
      const meta = (await this.#cluster.topics([name], { fresh: true })).get(name)
      return meta?.partitions.length ?? 0
    }
    await this.#until(name, (meta) => meta !== undefined && hasLeaders(meta, 1))
    if ((await look()) >= partitions) return
    try {
      await this.#grow(name, partitions)
    } catch (thrown) {
      // Another process may have done it at the same time.
      if ((await look()) < partitions) throw thrown
    }
  }

  async #make(
    name: string,
    partitions: number,
    settings: Readonly<Record<string, string>>,
  ): Promise<number> {
    const replicationFactor = this.#replicationFactor
    const request = { name, partitions, replicationFactor, settings, timeoutMs: 10_000 }
    const code = await this.#changing(`create topic '${name}'`, name, async () =>
      this.#cluster.send('any', createTopics, request),
    )
    if (code === errorCode.none) {
      await this.#until(name, (meta) => meta !== undefined && hasLeaders(meta, partitions))
    }
    return code
  }

  async describe(name: string): Promise<TopicInfo> {
    checkTopicName(name)
    const meta = (await this.#cluster.topics([name], { fresh: true })).get(name)
    if (meta === undefined) throw unknownTopic(name)
    const [info] = await this.#infos([meta])
    return info ?? Promise.reject(unknownTopic(name))
  }

  async list(): Promise<TopicInfo[]> {
    const all = await this.#cluster.allTopics()
    const own = all.filter(({ isInternal, name }) => !isInternal && !name.startsWith('__'))
    return await this.#infos(own.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
  }

  async #infos(metas: readonly TopicMeta[]): Promise<TopicInfo[]> {
    if (metas.length === 0) return []
    const names = metas.map(({ name }) => name)
    const places = metas.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition }) => ({ topic, partition })),
    )
    const [configs, starts, ends, sizes] = await Promise.all([
      this.#configs(names),
      listOffsets(this.#cluster, places, 'earliest'),
      listOffsets(this.#cluster, places, 'latest'),
      this.#sizes(names),
    ])
    let next = 0
    return metas.map(({ name, partitions }) => ({
      name,
      config: configOf(partitions.length, configs.get(name) ?? new Map()),
      createdMs: null,
      partitions: partitions.map(({ partition }) => {
        const i = next++
        const [startOffset = 0, endOffset = 0] = [starts[i], ends[i]]
        const bytes = startOffset === endOffset ? 0 : (sizes.get(`${partition} ${name}`) ?? 0)
        return { partition, startOffset, endOffset, bytes }
      }),
    }))
  }

  async #configs(
    topics: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
    const ask = async (): Promise<Map<string, ReadonlyMap<string, string | null>>> => {
      const request = { topics, settings: settingNames }
      const answers = await this.#cluster.send('any', describeConfigs, request)
      for (const { code, name } of answers)
        this.#judge(code, `describe topic '${name}'`, name, null)
      return new Map(answers.map(({ name, settings }) => [name, settings]))
    }
    return await retrying(ask, { clock: this.#cluster.clock, limitMs })
  }

  /** What the leaders say; nothing where this user may not ask. */
  async #sizes(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    const brokers = await this.#cluster.brokers()
    await Promise.all(
      brokers.map(async ({ node }) => {
        const found = await this.#cluster.send({ node }, describeLogDirs, topics).catch(() => [])
        for (const { topic, partition, bytes } of found) {
          const leader = this.#cluster.known(topic)?.partitions[partition]?.leader
          if (leader === node) sizes.set(`${partition} ${topic}`, bytes)
        }
      }),
    )
    return sizes
  }

  async delete(name: string): Promise<void> {
    checkTopicName(name)
    if (name.startsWith('__')) throw unknownTopic(name)
    await this.describe(name)
    await this.#changing(`delete topic '${name}'`, name, async () =>
      this.#cluster.send('any', deleteTopics, { name, timeoutMs: 10_000 }),
    )
    this.#limits.delete(name)
    await this.#until(name, (meta) => meta === undefined)
  }

  async alter(name: string, change: Partial<TopicConfig>): Promise<TopicInfo> {
    const { config: base } = await this.describe(name)
    const config = mergeConfig(name, change, base)
    if (config.partitions < base.partitions) {
      const text = `${base.partitions} partitions cannot become ${config.partitions}`
      const hint = 'partitions can only grow; create another topic'
      throw new MillraceError('invalid-topic', text, { at: { topic: name }, hint })
    }
    if (config.partitions > base.partitions) await this.#grow(name, config.partitions)
    if (!sameConfig({ ...config, partitions: 1 }, { ...base, partitions: 1 })) {
      const request = { topic: name, settings: settingsOf(config) }
      await this.#changing(`change topic '${name}'`, name, async () =>
        this.#cluster.send('any', incrementalAlterConfigs, request),
      )
      this.#limits.delete(name)
      await this.#untilConfig(name, config)
    }
    return await this.describe(name)
  }

  /** Another broker may still give the old settings for some ms. */
  async #untilConfig(name: string, wanted: TopicConfig): Promise<void> {
    const look = async (): Promise<void> => {
      const { config } = await this.describe(name)
      if (sameConfig(config, wanted)) return
      throw new TryAgain(new MillraceError('log-failed', `the settings of '${name}' do not change`))
    }
    await retrying(look, { clock: this.#cluster.clock, limitMs, pauseMs: pollMs })
  }

  async #grow(name: string, count: number): Promise<void> {
    await this.#changing(`grow topic '${name}'`, name, async () =>
      this.#cluster.send('any', createPartitions, { name, count, timeoutMs: 10_000 }),
    )
    await this.#until(name, (meta) => meta !== undefined && hasLeaders(meta, count))
  }

  /** Not atomic over several partitions: all is checked before anything is deleted. */
  async trim(offsets: readonly GroupOffset[]): Promise<void> {
    const infos = new Map<string, TopicInfo>()
    for (const { topic } of offsets) {
      if (!infos.has(topic)) infos.set(topic, await this.describe(topic))
    }
    const moving = offsets.filter((place) => {
      const info = infos.get(place.topic)
      const part = info?.partitions[place.partition]
      if (info === undefined || part === undefined) {
        throw unknownPartition(place.topic, place.partition)
      }
      checkTrimmable(place, info.config)
      if (!Number.isInteger(place.offset) || place.offset < 0) {
        throw new MillraceError('invalid-argument', `${place.offset} is no offset`, { at: place })
      }
      if (place.offset > part.endOffset) throw aboveEnd(place, place.offset, part.endOffset)
      return place.offset > part.startOffset
    })
    await this.trimUnchecked(moving)
  }

  async trimUnchecked(offsets: readonly GroupOffset[]): Promise<void> {
    // Of a partition that is named twice the furthest counts; a start never moves back.
    const furthest = new Map<string, GroupOffset>()
    for (const place of offsets) {
      const key = `${place.partition} ${place.topic}`
      const other = furthest.get(key)
      if (other === undefined || other.offset < place.offset) furthest.set(key, place)
    }
    let left = [...furthest.values()]
    const ask = async (): Promise<void> => {
      const topics = await this.#cluster.topics([...new Set(left.map(({ topic }) => topic))])
      const byLeader = Map.groupBy(
        left,
        ({ topic, partition }) => topics.get(topic)?.partitions[partition]?.leader ?? -1,
      )
      for (const [node, list] of byLeader) {
        const request = { offsets: list, timeoutMs: 10_000 }
        const answers = await this.#cluster.send({ node }, deleteRecords, request)
        for (const { topic, partition, code } of answers) {
          if (isTransient(code)) this.#cluster.forget({ topic })
          this.#judge(code, `trim ${topic}/${partition}`, topic, null)
          left = left.filter((one) => one.topic !== topic || one.partition !== partition)
        }
      }
    }
    if (left.length > 0) await retrying(ask, { clock: this.#cluster.clock, limitMs })
  }

  /** For producers; remembered for a while. */
  limits(name: string): Promise<TopicLimits> {
    const nowMs = this.#cluster.clock.monotonic()
    const known = this.#limits.get(name)
    if (known !== undefined && known.untilMs > nowMs) return known.limits
    const limits = this.#askLimits(name)
    this.#limits.set(name, { limits, untilMs: nowMs + limitsMsMax })
    limits.catch(() => this.#limits.delete(name))
    return limits
  }

  async #askLimits(name: string): Promise<TopicLimits> {
    const settings = (await this.#configs([name])).get(name) ?? new Map<string, string>()
    const config = configOf(1, settings)
    return {
      recordBytesMax: config.recordBytesMax,
      batchBytesMax: batchBytesMaxOf(config),
      isCompacted: config.cleanup === 'compact',
    }
  }

  /** A request that changes a topic, again while the broker is busy. */
  async #changing(
    what: string,
    topic: string,
    send: () => Promise<{ readonly code: number; readonly reason: string | null }>,
  ): Promise<number> {
    const ask = async (): Promise<number> => {
      const { code, reason } = await send()
      if (code === errorCode.topicAlreadyExists) return code
      this.#judge(code, what, topic, reason)
      return code
    }
    return await retrying(ask, { clock: this.#cluster.clock, limitMs })
  }

  #judge(code: number, what: string, topic: string, reason: string | null): void {
    if (code === errorCode.none) return
    const said = reason === null || reason === '' ? codeName(code) : `${codeName(code)}, ${reason}`
    const text = `cannot ${what}: ${said}`
    const at = { topic }
    if (code === errorCode.unknownTopicOrPartition) throw unknownTopic(topic)
    if (isTransient(code)) throw new TryAgain(new MillraceError('log-unreachable', text, { at }))
    if (refusedCodes.has(code)) {
      throw new MillraceError('not-authorised', text, {
        at,
        hint: 'give this user the ACLs Create, Describe, DescribeConfigs, Alter, Delete it needs',
      })
    }
    if (settingCodes.has(code)) throw new MillraceError('invalid-topic', text, { at })
    throw new MillraceError('log-failed', text, { at })
  }

  async #until(name: string, isMet: (meta: TopicMeta | undefined) => boolean): Promise<void> {
    const endMs = this.#cluster.clock.monotonic() + limitMs
    for (;;) {
      // Each broker learns it by itself, so all are asked in turn.
      const topics = await this.#cluster.topics([name], { fresh: true })
      if (isMet(topics.get(name))) return
      if (this.#cluster.clock.monotonic() > endMs) {
        throw new MillraceError('log-failed', `topic '${name}' is not what was asked for`, {
          at: { topic: name },
        })
      }
      await pause(this.#cluster.clock, pollMs)
    }
  }
}

const refusedCodes: ReadonlySet<number> = new Set([
  errorCode.topicAuthorizationFailed,
  errorCode.clusterAuthorizationFailed,
])

const settingCodes: ReadonlySet<number> = new Set([
  errorCode.invalidTopicException,
  errorCode.invalidPartitions,
  errorCode.invalidReplicationFactor,
  errorCode.invalidConfig,
  errorCode.policyViolation,
])

function hasLeaders({ partitions }: TopicMeta, count: number): boolean {
  return partitions.length >= count && partitions.every(({ leader }) => leader >= 0)
}
