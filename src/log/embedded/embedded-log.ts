/**
 * The log in one SQLite file (schema.ts): the default, for one machine. Other processes may use
 * the same directory at the same time. Writes go to one thread that commits them in groups
 * (writer.ts); reads are done on the caller's thread (reader.ts).
 */
import { hostname } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { type Clock, systemClock } from '../../core/clock.ts'
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
  TaskSpec,
  TopicConfig,
  TopicInfo,
} from '../log.ts'
import { checkTopicName, newConfig, readTopic, readTopics, sameConfig } from './catalog.ts'
import { type Faults, type Store, storeError } from './db.ts'
import { closedError, pipelineRunning, unknownTopic } from './errors.ts'
import { Follower } from './follower.ts'
import { readGroups } from './groups.ts'
import { type EmbeddedMembership, joinRun, readRun } from './membership.ts'
import { openForReading, startingInputs } from './opening.ts'
import { offsetAtTime } from './offset-at-time.ts'
import type { Presence } from './presence.ts'
import { InputCursors } from './reader.ts'
import { fileName } from './schema.ts'
import { EmbeddedSession } from './session.ts'
import { WakeHub } from './wake.ts'
import { InlineClient, RefusingClient, ThreadClient, type WriteClient } from './writer-client.ts'

export interface EmbeddedLogOptions {
  /** The data directory; made where it is missing. */
  readonly dir: string
  /** Default: the machine's. With another one, upkeep is done by `maintain` only. */
  readonly clock?: Clock
  /**
   * True: for looking only, also in a directory that cannot be written; every write is refused.
   * Default false.
   */
  readonly readOnly?: boolean
  /** Where writes are done: in a thread (default), or in the caller's. */
  readonly writer?: 'thread' | 'inline'
  /** How long a write waits for another process, ms, before `log-busy`. Default 10,000. */
  readonly busyMs?: number
  /** Largest size of the file in pages of 16 KiB; above it `disk-full`. Default: no limit. */
  readonly pageCountMax?: number
  /** For tests: makes commits fail. With `writer: 'inline'` only. */
  readonly faults?: Faults
}

export interface EmbeddedLog extends Log {
  /** Applies retention and compaction to the end now, also where they are not worth it yet. */
  maintain(): Promise<void>
}

const busyMsDefault = 10_000
/** How often the writer's thread looks for upkeep that has fallen due. */
const maintainEveryMs = 5000

/**
 * Opens the log of a directory, making both where they are missing.
 * @throws `log-version` · `log-damaged` · `log-read-only` · `log-busy` · `disk-full` ·
 * `log-failed` · `invalid-argument`
 *   (`dir` is a file) · `file-not-found` (`readOnly`, and there is none)
 * @example
 * const log = await openEmbeddedLog({ dir: '.millrace' })
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  return new SqliteLog(options)
}

class SqliteLog implements EmbeddedLog {
  readonly kind = 'embedded'
  readonly place: string
  readonly #clock: Clock
  readonly #store: Store
  readonly #presence: Presence | null
  readonly #hub: WakeHub
  readonly #client: WriteClient
  readonly #opened = new Set<{ close(): Promise<void> }>()
  readonly #sessions = new Set<EmbeddedSession>()
  readonly #memberships = new Set<EmbeddedMembership>()
  /** The newest run of each pipeline that this log has joined: what it may open tasks for. */
  readonly #generations = new Map<string, number>()
  #closing: Promise<void> | null = null

  constructor(options: EmbeddedLogOptions) {
    const { readOnly = false, busyMs = busyMsDefault, clock = systemClock } = options
    this.place = resolve(options.dir)
    this.#clock = clock
    const { store, presence } = openForReading({ dir: this.place, readOnly, busyMs })
    this.#store = store
    this.#presence = presence
    const wakePath = joinPath(this.place, 'wake')
    this.#hub = new WakeHub(wakePath, clock)
    if (!readOnly) this.#hub.prepare()
    this.#client = this.#newClient(options, { wakePath, busyMs })
  }

  #newClient(
    options: EmbeddedLogOptions,
    { wakePath, busyMs }: { wakePath: string; busyMs: number },
  ): WriteClient {
    if (options.readOnly === true) return new RefusingClient(this.place)
    const { pageCountMax, faults } = options
    const path = joinPath(this.place, fileName)
    const onCommit = (): void => this.#hub.notify()
    if (options.writer === 'inline') {
      return new InlineClient({ path, wakePath, busyMs, pageCountMax, faults }, onCommit)
    }
    const everyMs = this.#clock === systemClock ? maintainEveryMs : null
    return new ThreadClient(
      { path, wakePath, busyMs, pageCountMax, maintainEveryMs: everyMs },
      onCommit,
    )
  }

  async createTopic(name: string, config: Partial<TopicConfig> = {}): Promise<TopicInfo> {
    this.#checkOpen()
    checkTopicName(name)
    const wished = newConfig(config)
    const existing = this.#read((store) => readTopic(store, name))
    if (existing !== undefined && sameConfig(existing.config, wished)) return existing
    await this.#client.send({
      kind: 'create-topic',
      name,
      config: wished,
      nowMs: this.#clock.now(),
    })
    return await this.describeTopic(name)
  }

  async describeTopic(name: string): Promise<TopicInfo> {
    const topic = this.#read((store) => readTopic(store, name))
    if (topic === undefined) throw unknownTopic(name)
    return topic
  }

  async listTopics(): Promise<TopicInfo[]> {
    return this.#read(readTopics)
  }

  async deleteTopic(name: string): Promise<void> {
    this.#checkOpen()
    await this.#client.send({ kind: 'delete-topic', name })
  }

  async alterTopic(name: string, config: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkOpen()
    await this.#client.send({ kind: 'alter-topic', name, config })
    return await this.describeTopic(name)
  }

  async append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]> {
    this.#checkOpen()
    const nowMs = this.#clock.now()
    const ask = { kind: 'append', batches, stamp: stamp ?? null, nowMs } as const
    return await this.#client.send(ask, stamp === undefined ? 'transfer' : 'keep')
  }

  async trim(offsets: readonly GroupOffset[]): Promise<void> {
    this.#checkOpen()
    await this.#client.send({ kind: 'trim', offsets })
  }

  async openReader(
    inputs: readonly GroupOffset[],
    options: { prefetchBytesMax?: number } = {},
  ): Promise<Reader> {
    const places = this.#read((store) => startingInputs(store, inputs))
    const follower = new Follower({
      cursors: new InputCursors(this.#store, places, options),
      hub: this.#hub,
      clock: this.#clock,
      onClose: (closed) => this.#opened.delete(closed),
    })
    this.#opened.add(follower)
    return follower
  }

  async offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number> {
    return this.#read((store) => offsetAtTime(store, { topic, partition }, timeMs))
  }

  async groups(): Promise<GroupInfo[]> {
    return this.#read((store) => readGroups(store, this.place))
  }

  async commitGroup(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    this.#checkNotRunning(group)
    await this.#client.send({ kind: 'commit-group', group, offsets })
  }

  async deleteGroup(group: string): Promise<void> {
    this.#checkNotRunning(group)
    await this.#client.send({ kind: 'delete-group', group })
  }

  #checkNotRunning(pipeline: string): void {
    const { owner } = this.#read((store) => readRun(store, this.place, pipeline))
    if (owner !== null) throw pipelineRunning(pipeline, owner)
  }

  async join(options: JoinOptions): Promise<Membership> {
    this.#checkOpen()
    const since = new Date(this.#clock.now()).toISOString()
    const membership = await joinRun(options, {
      dir: this.place,
      store: this.#store,
      client: this.#client,
      hub: this.#hub,
      clock: this.#clock,
      owner: `process ${process.pid} on ${hostname()} since ${since}`,
      onGone: (gone) => this.#memberships.delete(gone),
    })
    this.#memberships.add(membership)
    this.#generations.set(options.pipeline, membership.generation)
    return membership
  }

  async open(spec: TaskSpec): Promise<Session> {
    this.#checkOpen()
    const { pipeline, task, inputs, startAt } = spec
    const generation = this.#generations.get(pipeline) ?? null
    const opened = await this.#client.send({
      kind: 'open-task',
      pipeline,
      task,
      inputs,
      startAt,
      generation,
    })
    const session: EmbeddedSession = new EmbeddedSession({
      spec,
      opened,
      store: this.#store,
      client: this.#client,
      hub: this.#hub,
      clock: this.#clock,
      onClose: (closed) => {
        this.#opened.delete(closed)
        this.#sessions.delete(closed)
      },
    })
    for (const earlier of this.#sessions) {
      if (earlier.spec.pipeline === pipeline && earlier.spec.task === task) earlier.fence()
    }
    this.#opened.add(session)
    this.#sessions.add(session)
    return session
  }

  async maintain(): Promise<void> {
    this.#checkOpen()
    const nowMs = this.#clock.now()
    while ((await this.#client.send({ kind: 'maintain', nowMs, extent: 'all' })) === 'more')
      continue
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    await Promise.all([...this.#opened].map((opened) => opened.close()))
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
    await this.#client.close()
    this.#hub.close()
    this.#presence?.leave()
    this.#store.close()
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw closedError(`the log ${this.place}`)
  }

  #read<T>(read: (store: Store) => T): T {
    this.#checkOpen()
    try {
      return read(this.#store)
    } catch (error) {
      throw storeError(error, this.#store.path, 'read')
    }
  }
}
