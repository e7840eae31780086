/** The log on Apache Kafka: topics, transactions and groups of a cluster behind `Log`. */
import { systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import type { Random } from '../../core/random.ts'
import type {
  AppendBatch,
  Appended,
  GroupInfo,
  GroupOffset,
  JoinOptions,
  Log,
  Membership,
  ProducerStamp,
  Reader,
  Session,
  TaskInfo,
  TaskSpec,
  TopicConfig,
  TopicInfo,
} from '../log.ts'
import { createAdmin } from './admin/admin.ts'
import type { KafkaAdmin } from './admin/admin.ts'
import { isChangelogOf } from './admin/names.ts'
import type { Fetcher, GroupMembership, TransactionalProducer } from './contracts.ts'
import { createFetcher } from './fetch/fetcher.ts'
import { aboveEnd } from './fetch/out-of-range.ts'
import { listOffsets, unknownPartition, unknownTopic } from './fetch/offsets.ts'
import { joinGroup } from './group/join-group.ts'
import { createAppender } from './produce/appender.ts'
import type { Appender } from './produce/appender.ts'
import type { AppendOptions } from './produce/appends.ts'
import { writeOutputsLoose } from './produce/loose-outputs.ts'
import { openTransactionalProducer } from './produce/transactional-producer.ts'
import type { KafkaLogOptions, KafkaLogSettings } from './kafka-log-options.ts'
import { openSession } from './session/kafka-session.ts'
import type { KafkaSession } from './session/kafka-session.ts'
import { ProcessState } from './session/process-state.ts'
import { RestoreGate } from './session/restore-gate.ts'
import { connectCluster } from './wire/connect-cluster.ts'
import type { Cluster } from './wire/cluster.ts'

/** Between two looks whether tasks have been taken over by others. */
const lookEveryMs = 1_000
const prefetchBytesMax = 8 << 20
/** Connections to a broker for transactions, and as many for what is written in them. */
const lanes = 8
/** Of all restores that run at once. */
const restoreBytesMax = 32 << 20

/**
 * Opens a log on brokers; the first use connects.
 * @throws `invalid-argument` for an address that is none
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const { brokers, clock = systemClock, clientId, tls, sasl, requestTimeoutMs, notify } = options
  checkStandbys(options)
  const cluster = await connectCluster({
    brokers,
    clock,
    ...(clientId === undefined ? {} : { clientId }),
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    ...(notify === undefined ? {} : { notify }),
  })
  return kafkaLogOn(cluster, options)
}

/**
 * A log on brokers that are reached by `cluster`, which it closes with itself. It takes its time
 * from the cluster's clock, and waits for nothing else.
 * @param random for names that no other process has. Default: the machine's
 */
export function kafkaLogOn(
  cluster: Cluster,
  settings: KafkaLogSettings = {},
  random: Random = systemRandom,
): Log {
  checkStandbys(settings)
  return new KafkaLog(cluster, settings, random)
}

class KafkaLog implements Log {
  readonly kind = 'kafka'
  readonly place: string
  readonly #cluster: Cluster
  readonly #options: KafkaLogSettings
  readonly #admin: KafkaAdmin
  readonly #fetcher: Fetcher
  readonly #appending: AppendOptions
  readonly #appender: Appender
  readonly #members: Map<string, Joined> = new Map()
  readonly #gate = new RestoreGate(restoreBytesMax)
  readonly #sessions = new Set<KafkaSession>()
  #stopLooking: (() => void) | null = null
  /** Opened so far. */
  #producers = 0
  #isClosed = false

  constructor(cluster: Cluster, options: KafkaLogSettings, random: Random) {
    this.place = cluster.place
    this.#cluster = cluster
    this.#options = options
    const { replicationFactor } = options
    this.#admin = createAdmin({
      cluster,
      clock: cluster.clock,
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
    })
    this.#fetcher = createFetcher(cluster)
    this.#appending = {
      cluster,
      compression: options.compression ?? 'none',
      limits: (topic) => this.#admin.limits(topic),
    }
    this.#appender = createAppender({ ...this.#appending, random })
  }

  async createTopic(name: string, config?: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkOpen()
    return await this.#admin.createTopic(name, config)
  }

  async describeTopic(name: string): Promise<TopicInfo> {
    this.#checkOpen()
    return await this.#admin.describeTopic(name)
  }

  async listTopics(): Promise<TopicInfo[]> {
    this.#checkOpen()
    return await this.#admin.listTopics()
  }

  async deleteTopic(name: string): Promise<void> {
    this.#checkOpen()
    await this.#admin.deleteTopic(name)
  }

  async alterTopic(name: string, config: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkOpen()
    return await this.#admin.alterTopic(name, config)
  }

  async append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]> {
    this.#checkOpen()
    return await this.#appender.append(batches, stamp)
  }

  async trim(offsets: readonly GroupOffset[]): Promise<void> {
    this.#checkOpen()
    await this.#admin.trim(offsets)
  }

  async openReader(
    inputs: readonly GroupOffset[],
    options: { prefetchBytesMax?: number } = {},
  ): Promise<Reader> {
    this.#checkOpen()
    for (const { topic, partition } of inputs) {
      const meta = (await this.#cluster.topics([topic], { fresh: true })).get(topic)
      if (meta === undefined) throw unknownTopic(topic)
      if (meta.partitions[partition] === undefined) throw unknownPartition(topic, partition)
    }
    const starts = await listOffsets(this.#cluster, inputs, 'earliest')
    const ends = await listOffsets(this.#cluster, inputs, 'latest')
    const places = inputs.map((input, i) => {
      const [start = 0, end = 0] = [starts[i], ends[i]]
      if (input.offset > end) throw aboveEnd(input, input.offset, end)
      return { ...input, offset: Math.max(input.offset, start), endOffset: end }
    })
    const bytesMax = options.prefetchBytesMax ?? prefetchBytesMax
    return this.#fetcher.open(places, { bytesMax, outOfRange: 'earliest' })
  }

  async offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number> {
    this.#checkOpen()
    const place = { topic, partition }
    const [found = -1] = await listOffsets(this.#cluster, [place], { timeMs })
    if (found >= 0) return found
    const [end = 0] = await listOffsets(this.#cluster, [place], 'latest')
    return end
  }

  async groups(): Promise<GroupInfo[]> {
    this.#checkOpen()
    return await this.#admin.groups()
  }

  async commitGroup(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    this.#checkOpen()
    await this.#admin.commitGroup(group, offsets)
  }

  async deleteGroup(group: string): Promise<void> {
    this.#checkOpen()
    await this.#admin.deleteGroup(group)
  }

  async join({ pipeline, tasks, infos }: JoinOptions): Promise<Membership> {
    this.#checkOpen()
    const { membership, sessionTimeoutMs, heartbeatMs, notify, standbys } = this.#options
    const all = infos ?? tasks.map((task, index) => plainInfo(task, index))
    const state = await this.#openState(pipeline, all)
    const joining = joinGroup({
      cluster: this.#cluster,
      clock: this.#cluster.clock,
      group: pipeline,
      instanceId: state?.instanceId ?? this.#options.instanceId ?? null,
      infos: all,
      warm: () => state?.warm() ?? [],
      onStandbys: (copies) => state?.setStandbys(copies),
      ...(membership === undefined ? {} : { protocol: membership }),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
      ...(notify === undefined ? {} : { notify }),
      ...(standbys === undefined ? {} : { standbys }),
    })
    const member = await joining.catch(async (thrown: unknown) => {
      await state?.close()
      throw thrown
    })
    this.#members.set(pipeline, { member, tasks: new Set(tasks), state })
    const leave = member.leave.bind(member)
    return Object.assign(member, {
      leave: async () => {
        await leave()
        await state?.close()
      },
    })
  }

  async #openState(pipeline: string, infos: readonly TaskInfo[]): Promise<ProcessState | null> {
    const { stateDirectory: directory, instanceId = null, notify = () => {} } = this.#options
    if (directory === undefined || directory === null) return null
    const [cluster, fetcher] = [this.#cluster, this.#fetcher]
    return await ProcessState.open({
      cluster,
      fetcher,
      directory,
      pipeline,
      infos,
      instanceId,
      notify,
    })
  }

  async open(spec: TaskSpec): Promise<Session> {
    this.#checkOpen()
    const joined = this.#members.get(spec.pipeline)
    const isMember = joined?.tasks.has(spec.task) === true
    const state = isMember ? joined.state : null
    const session = await openSession({
      cluster: this.#cluster,
      admin: this.#admin,
      fetcher: this.#fetcher,
      spec,
      tasks: [...(joined?.tasks ?? [])],
      outOfRange: this.#options.outOfRange ?? 'stop',
      ownership: isMember ? joined.member.ownership(spec.task) : null,
      openCopy: state === null ? null : (from) => state.openCopy(spec.task, from),
      gate: this.#gate,
      openProducer: (transactionalId) => this.#openProducer(transactionalId, spec.pipeline),
      onClose: (closed) => {
        this.#sessions.delete(closed)
        if (this.#sessions.size === 0) this.#stopLooking?.()
      },
    })
    this.#sessions.add(session)
    this.#lookLater()
    return session
  }

  async #openProducer(transactionalId: string, pipeline: string): Promise<TransactionalProducer> {
    const { transactionTimeoutMs, guarantee } = this.#options
    const lane = this.#producers++ % lanes
    const producer = await openTransactionalProducer({
      ...this.#appending,
      transactionalId,
      // Whoever was told of a commit is to find it.
      waitFor: 'markers',
      lane,
      ...(transactionTimeoutMs === undefined ? {} : { timeoutMs: transactionTimeoutMs }),
    })
    if (guarantee !== 'at-least-once') return producer
    const isInside = ({ topic }: AppendBatch): boolean => isChangelogOf(pipeline, topic)
    return writeOutputsLoose({ ...this.#appending, producer, isInside, lane })
  }

  #lookLater(): void {
    this.#stopLooking?.()
    this.#stopLooking = this.#cluster.clock.after(lookEveryMs, () => {
      const looks = [...this.#sessions].map((session) => session.look().catch(() => {}))
      void Promise.all(looks).then(() => {
        if (this.#sessions.size > 0 && !this.#isClosed) this.#lookLater()
      })
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopLooking?.()
    await Promise.all([...this.#sessions].map((session) => session.close()))
    await Promise.all([...this.#members.values()].map(({ member }) => member.leave()))
    await this.#fetcher.close()
    await this.#appender.close()
    await this.#cluster.close()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new MillraceError('log-closed', 'the Kafka log was closed')
  }
}

/** What this process is of a pipeline's group. */
interface Joined {
  readonly member: GroupMembership
  readonly tasks: ReadonlySet<string>
  readonly state: ProcessState | null
}

function checkStandbys({ standbys = 0, stateDirectory }: KafkaLogSettings): void {
  const isNumber = Number.isInteger(standbys) && standbys >= 0
  const hasPlace = stateDirectory !== undefined && stateDirectory !== null
  if (isNumber && (standbys === 0 || hasPlace)) return
  throw new MillraceError(
    'invalid-argument',
    isNumber ? `${standbys} standbys have no place` : `standbys cannot be ${standbys}`,
    { hint: isNumber ? 'name a stateDirectory, on a local disk' : 'give a whole number from 0 on' },
  )
}

function plainInfo(task: string, index: number): TaskInfo {
  return { task, part: task, index, inputs: [], isStateful: false }
}
