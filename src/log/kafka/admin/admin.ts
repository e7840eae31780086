/** The administrative half of the Kafka log: topics, groups, offsets. */
import type { Clock } from '../../../core/clock.ts'
import { isCode, MillraceError } from '../../../core/error.ts'
import type { GroupInfo, GroupOffset, Log, TopicConfig, TopicInfo } from '../../log.ts'
import { checkTopicName, mergeConfig, sameConfig } from '../../topic-rules.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { TopicLimits } from '../produce/appends.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import {
  checkNotInternal,
  dropTopic,
  growTopic,
  isInternalTopic,
  makeTopic,
  setSettings,
} from './change-topics.ts'
import { offsetsOfGroups } from './every-group.ts'
import { seenNow } from './everywhere.ts'
import { commitToGroup, forgetGroup, listAllGroups, offsetsForgotten } from './groups.ts'
import { checkPartition, findTopics } from './places.ts'
import { topicInfos, topicSettings } from './topic-infos.ts'
import { changedSettings, configOf, limitsOf, settingsOf, timeSettings } from './topic-settings.ts'
import type { Settings } from './topic-settings.ts'
import { trimTopics } from './trim.ts'

export interface AdminOptions {
  readonly cluster: Cluster
  readonly clock: Clock
  /** Of topics that are created. Default −1: as the brokers are set. */
  readonly replicationFactor?: number
}

/** Settings of a topic are asked for anew after this. */
const limitsKeptMs = 30_000

type Administers = Pick<
  Log,
  | 'createTopic'
  | 'describeTopic'
  | 'listTopics'
  | 'deleteTopic'
  | 'alterTopic'
  | 'trim'
  | 'offsetAtTime'
  | 'groups'
  | 'commitGroup'
  | 'deleteGroup'
>

/** Each method as in `Log`; what needs a right that this user lacks throws `not-authorised`. */
export interface KafkaAdmin extends Administers {
  /**
   * Makes a topic of Millrace's own with Kafka's settings, unless it is there; grows one that has
   * fewer partitions. Resolves when all brokers know it and its partitions have leaders.
   * @throws `topic-exists` where it is there with another `cleanup.policy` than asked for
   */
  ensureTopic(name: string, partitions: number, settings: Settings): Promise<void>
  /** @throws `unknown-topic` */
  topicConfig(name: string): Promise<TopicConfig>
  /**
   * What a producer must keep to; remembered for 30 s. Kafka's defaults where this user may not
   * read settings: the broker checks as well.
   * @throws `unknown-topic`
   */
  limits(name: string): Promise<TopicLimits>
  /** Of `limits`. */
  recordBytesMax(name: string): Promise<number>
}

export function createAdmin(options: AdminOptions): KafkaAdmin {
  return new Admin(options)
}

class Admin implements KafkaAdmin {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #replicationFactor: number
  readonly #limits: Map<string, { limits: Promise<TopicLimits>; untilMs: number }> = new Map()

  constructor({ cluster, clock, replicationFactor = -1 }: AdminOptions) {
    this.#cluster = cluster
    this.#clock = clock
    this.#replicationFactor = replicationFactor
  }

  async createTopic(name: string, change: Partial<TopicConfig> = {}): Promise<TopicInfo> {
    checkTopicName(name)
    const wanted = mergeConfig(name, change)
    const settings = { ...settingsOf(wanted), ...timeSettings }
    await this.#make(name, wanted.partitions, settings)
    const info = await this.describeTopic(name)
    // Made just now, or there before: two processes may have made it at the same time.
    if (sameConfig(info.config, wanted)) return info
    throw new MillraceError('topic-exists', `topic '${name}' exists with other settings`, {
      at: { topic: name },
      hint: `see them: millrace topics describe ${name}`,
    })
  }

  async ensureTopic(name: string, partitions: number, settings: Settings): Promise<void> {
    if ((await this.#make(name, partitions, settings)) === 'made') return
    const policy = settings['cleanup.policy']
    if (policy !== undefined) {
      const found = (await topicSettings(this.#cluster, [name])).get(name)?.get('cleanup.policy')
      if (found !== policy) {
        const text = `topic '${name}' exists with cleanup.policy ${found}, not ${policy}`
        const hint = 'it is not what Millrace made: give it another name, or delete it'
        throw new MillraceError('topic-exists', text, { at: { topic: name }, hint })
      }
    }
    const meta = await this.#find(name)
    if (meta.partitions.length < partitions) await growTopic(this.#cluster, name, partitions)
  }

  /** Whoever may only use the topic is not asked for the right to create it. */
  async #make(name: string, partitions: number, settings: Settings): Promise<'made' | 'exists'> {
    const cluster = this.#cluster
    if ((await seenNow(cluster, name)) !== undefined) return 'exists'
    const replicationFactor = this.#replicationFactor
    this.#limits.delete(name)
    return await makeTopic(cluster, { name, partitions, replicationFactor, settings })
  }

  async describeTopic(name: string): Promise<TopicInfo> {
    const [info] = await topicInfos(this.#cluster, [await this.#find(name)])
    return info as TopicInfo
  }

  async listTopics(): Promise<TopicInfo[]> {
    for (let tries = 1; ; tries++) {
      const metas = (await this.#cluster.allTopics())
        .filter((meta) => !isInternalTopic(meta))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      try {
        return await topicInfos(this.#cluster, metas)
      } catch (thrown) {
        // One was deleted meanwhile.
        if (!isCode(thrown, 'unknown-topic') || tries === listTriesMax) throw thrown
      }
    }
  }

  /** Resolves when the brokers have forgotten the offsets that groups held on it as well. */
  async deleteTopic(name: string): Promise<void> {
    const meta = await this.#find(name)
    checkNotInternal(meta)
    const places = meta.partitions.map(({ partition }) => ({ topic: name, partition }))
    const holding = await offsetsOfGroups(this.#cluster, places, () => true)
    await dropTopic(this.#cluster, meta)
    this.#limits.delete(name)
    const groups = holding.map(({ group }) => group)
    if ((await offsetsForgotten(this.#cluster, places, groups)) === 'forgotten') return
    const text = `topic '${name}' is deleted, but groups still hold offsets on it`
    throw new MillraceError('log-failed', text, {
      at: { topic: name },
      hint: 'look into the logs of the brokers before a topic of that name is created again',
    })
  }

  /** Partitions grow first, then the settings change: not in one step. */
  async alterTopic(name: string, change: Partial<TopicConfig>): Promise<TopicInfo> {
    const meta = await this.#find(name)
    checkNotInternal(meta)
    const base = await this.topicConfig(name)
    // What others made may have more partitions than Millrace gives.
    const { partitions = base.partitions } = change
    const checked = { ...change, partitions: change.partitions ?? 1 }
    const config = { ...mergeConfig(name, checked, base), partitions }
    if (partitions < base.partitions) {
      const text = `${base.partitions} partitions cannot become ${partitions}`
      const hint = 'partitions can only grow; create another topic'
      throw new MillraceError('invalid-topic', text, { at: { topic: name }, hint })
    }
    if (partitions > base.partitions) await growTopic(this.#cluster, name, partitions)
    const settings = changedSettings(base, config)
    if (settings !== null) await setSettings(this.#cluster, name, settings)
    this.#limits.delete(name)
    return await this.describeTopic(name)
  }

  async trim(offsets: readonly GroupOffset[]): Promise<void> {
    await trimTopics(this.#cluster, offsets)
  }

  /** Records of aborted transactions, which readers never see, may lie at the offset. */
  async offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number> {
    const place = { topic, partition }
    checkPartition(await this.#find(topic), place)
    const at = async (when: Parameters<typeof listOffsets>[2]): Promise<number> =>
      (await listOffsets(this.#cluster, [place], when))[0] ?? -1
    // Kafka has no times below 0; it uses such numbers as questions of another kind.
    if (timeMs <= 0) return await at('earliest')
    const found = timeMs > Number.MAX_SAFE_INTEGER ? -1 : await at({ timeMs: Math.ceil(timeMs) })
    return found >= 0 ? found : await at('latest')
  }

  async groups(): Promise<GroupInfo[]> {
    return await listAllGroups(this.#cluster)
  }

  async commitGroup(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    await commitToGroup(this.#cluster, group, offsets)
  }

  async deleteGroup(group: string): Promise<void> {
    await forgetGroup(this.#cluster, group)
  }

  async topicConfig(name: string): Promise<TopicConfig> {
    const { partitions } = await this.#find(name)
    const settings = await topicSettings(this.#cluster, [name])
    return configOf(partitions.length, settings.get(name) ?? new Map())
  }

  limits(name: string): Promise<TopicLimits> {
    const nowMs = this.#clock.monotonic()
    const known = this.#limits.get(name)
    if (known !== undefined && nowMs < known.untilMs) return known.limits
    const limits = this.#askLimits(name)
    this.#limits.set(name, { limits, untilMs: nowMs + limitsKeptMs })
    limits.catch(() => this.#limits.delete(name))
    return limits
  }

  async #askLimits(name: string): Promise<TopicLimits> {
    try {
      const settings = await topicSettings(this.#cluster, [name])
      return limitsOf(settings.get(name) ?? new Map())
    } catch (thrown) {
      if (isCode(thrown, 'not-authorised')) return limitsOf(new Map())
      throw thrown
    }
  }

  async recordBytesMax(name: string): Promise<number> {
    return (await this.limits(name)).recordBytesMax
  }

  async #find(name: string): Promise<TopicMeta> {
    return (await findTopics(this.#cluster, [name])).get(name) as TopicMeta
  }
}

const listTriesMax = 5
