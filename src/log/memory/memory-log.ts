/**
 * The log in memory: for tests and throw-away runs. Nothing outlives the process; nothing is
 * copied.
 */
import { type Clock, systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
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
import { MemoryCursor, startingOffset } from './memory-cursor.ts'
import { MemoryMembership } from './memory-membership.ts'
import { MemoryPartition } from './memory-partition.ts'
import { MemorySession } from './memory-session.ts'
import { MemoryStore, offsetKey, topicInfo } from './memory-store.ts'
import { checkTopicName, checkTrimmable, mergeConfig, sameConfig } from '../topic-rules.ts'

export interface MemoryLog extends Log {
  readonly kind: 'memory'
  /** Applies retention and compaction now. Nothing else deletes records. */
  maintain(): Promise<void>
}

export interface MemoryLogOptions {
  /** For append times and the timeout of `wait`. Default: the machine's clock. */
  readonly clock?: Clock
  /** Logs opened on one store share its data. Default: a new, empty one. */
  readonly store?: MemoryStore
}

export function openMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
  return new MemoryLogHandle(options.clock ?? systemClock, options.store ?? new MemoryStore())
}

interface Closable {
  close(): Promise<void>
}

class MemoryLogHandle implements MemoryLog {
  readonly kind = 'memory'
  readonly place = 'memory'
  readonly #clock: Clock
  readonly #store: MemoryStore
  readonly #opened = new Set<Closable>()
  /** Of pipelines that this handle has run: which of their runs it was. */
  readonly #generations = new Map<string, number>()
  readonly #memberships = new Set<MemoryMembership>()
  #isClosed = false

  constructor(clock: Clock, store: MemoryStore) {
    this.#clock = clock
    this.#store = store
  }

  async createTopic(name: string, config: Partial<TopicConfig> = {}): Promise<TopicInfo> {
    this.#checkOpen()
    checkTopicName(name)
    const wanted = mergeConfig(name, config)
    const existing = this.#store.topics.get(name)
    if (existing !== undefined) {
      if (sameConfig(existing.config, wanted)) return topicInfo(existing)
      throw new MillraceError('topic-exists', `topic '${name}' exists with other settings`, {
        at: { topic: name },
        hint: `see them: millrace topics describe ${name}`,
      })
    }
    const topic = { name, createdMs: this.#clock.now(), config: wanted, partitions: [] }
    this.#store.topics.set(name, topic)
    growTo(topic, wanted.partitions)
    return topicInfo(topic)
  }

  async describeTopic(name: string): Promise<TopicInfo> {
    this.#checkOpen()
    return topicInfo(this.#store.topic(name))
  }

  async listTopics(): Promise<TopicInfo[]> {
    this.#checkOpen()
    return [...this.#store.topics.values()].map(topicInfo).toSorted(byName)
  }

  async deleteTopic(name: string): Promise<void> {
    this.#checkOpen()
    const topic = this.#store.topic(name)
    for (const partition of topic.partitions) partition.clear()
    this.#store.topics.delete(name)
    this.#store.forgetTopic(name)
  }

  async alterTopic(name: string, change: Partial<TopicConfig>): Promise<TopicInfo> {
    this.#checkOpen()
    const topic = this.#store.topic(name)
    const config = mergeConfig(name, change, topic.config)
    if (config.partitions < topic.config.partitions) {
      const text = `${topic.config.partitions} partitions cannot become ${config.partitions}`
      const hint = 'partitions can only grow; create another topic'
      throw new MillraceError('invalid-topic', text, { at: { topic: name }, hint })
    }
    topic.config = config
    growTo(topic, config.partitions)
    return topicInfo(topic)
  }

  async append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]> {
    this.#checkOpen()
    const prepared = this.#store.prepare(batches, stamp)
    prepared.apply(this.#clock.now())
    return [...prepared.appended]
  }

  async trim(offsets: readonly GroupOffset[]): Promise<void> {
    this.#checkOpen()
    const places = offsets.map((place) => {
      const partition = this.#store.partition(place)
      checkTrimmable(place, this.#store.topic(place.topic).config)
      return { partition, offset: startingOffset(partition, place.offset) }
    })
    for (const { partition, offset } of places) partition.trim(offset)
  }

  async openReader(inputs: readonly GroupOffset[]): Promise<Reader> {
    this.#checkOpen()
    const places = inputs.map((input) => {
      const partition = this.#store.partition(input)
      return { partition, offset: startingOffset(partition, input.offset) }
    })
    const reader: MemoryCursor = new MemoryCursor(places, this.#clock, () =>
      this.#opened.delete(reader),
    )
    this.#opened.add(reader)
    return reader
  }

  async offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number> {
    this.#checkOpen()
    return this.#store.partition({ topic, partition }).offsetAtTime(timeMs)
  }

  async groups(): Promise<GroupInfo[]> {
    this.#checkOpen()
    const merged = new Map<string, Map<string, GroupOffset>>()
    for (const { pipeline, offsets } of this.#store.tasks.values()) {
      const group = merged.get(pipeline) ?? new Map<string, GroupOffset>()
      merged.set(pipeline, group)
      for (const [key, place] of offsets) {
        // Two tasks may read one partition; the pipeline is as far as the slower one.
        const other = group.get(key)
        if (other === undefined || place.offset < other.offset) group.set(key, place)
      }
    }
    for (const [group, offsets] of this.#store.groups) {
      // What a task has committed itself counts; the offset set for the group was its start.
      merged.set(group, new Map([...offsets, ...(merged.get(group) ?? [])]))
    }
    return [...merged]
      .filter(([, offsets]) => offsets.size > 0)
      .map(([group, offsets]) => ({
        group,
        offsets: [...offsets.values()].toSorted(byPlace),
        owner: this.#store.ownerOf(group),
      }))
      .toSorted((a, b) => compare(a.group, b.group))
  }

  async commitGroup(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    this.#checkOpen()
    this.#checkNotRunning(group)
    for (const place of offsets) startingOffset(this.#store.partition(place), place.offset)
    const places = this.#store.groups.get(group) ?? new Map<string, GroupOffset>()
    for (const { topic, partition, offset } of offsets) {
      const place = { topic, partition, offset }
      places.set(offsetKey(place), place)
      for (const task of this.#store.tasksOf(group)) {
        if (task.offsets.has(offsetKey(place))) task.offsets.set(offsetKey(place), place)
      }
    }
    this.#store.groups.set(group, places)
  }

  async deleteGroup(group: string): Promise<void> {
    this.#checkOpen()
    this.#checkNotRunning(group)
    this.#store.groups.delete(group)
    for (const task of this.#store.tasksOf(group)) {
      task.offsets.clear()
      task.changelog = []
    }
  }

  #checkNotRunning(pipeline: string): void {
    const owner = this.#store.ownerOf(pipeline)
    if (owner !== null) throw pipelineRunning(pipeline, owner)
  }

  async join({ pipeline, tasks, takeOver }: JoinOptions): Promise<Membership> {
    this.#checkOpen()
    const runner = this.#store.members.get(pipeline)
    if (runner !== undefined && !takeOver) {
      throw pipelineRunning(pipeline, this.#store.ownerOf(pipeline) ?? 'this process')
    }
    if (takeOver) for (const task of this.#store.tasksOf(pipeline)) fenceOwner(task)
    runner?.fence()
    const membership: MemoryMembership = new MemoryMembership(tasks, () => {
      this.#memberships.delete(membership)
      if (this.#store.members.get(pipeline) === membership) this.#store.members.delete(pipeline)
    })
    this.#store.members.set(pipeline, membership)
    this.#memberships.add(membership)
    const generation = (this.#store.generations.get(pipeline) ?? 0) + 1
    this.#store.generations.set(pipeline, generation)
    this.#generations.set(pipeline, generation)
    return membership
  }

  async open(spec: TaskSpec): Promise<Session> {
    this.#checkOpen()
    this.#checkOwner(spec)
    const onClose = (session: Closable): void => void this.#opened.delete(session)
    const session = new MemorySession({ store: this.#store, clock: this.#clock, spec, onClose })
    this.#opened.add(session)
    return session
  }

  async maintain(): Promise<void> {
    this.#checkOpen()
    const nowMs = this.#clock.now()
    for (const { config, partitions } of this.#store.topics.values()) {
      for (const partition of partitions) partition.maintain(config, nowMs)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#opened].map((opened) => opened.close()))
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
  }

  /** A run that was taken over fences nobody. */
  #checkOwner({ pipeline, task }: TaskSpec): void {
    const own = this.#generations.get(pipeline)
    if (own === undefined || own === this.#store.generations.get(pipeline)) return
    const text = `pipeline '${pipeline}' was taken over by another run`
    throw new MillraceError('task-fenced', text, { at: { pipeline, task } })
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new MillraceError('log-closed', 'the memory log was closed')
  }
}

function growTo(topic: { name: string; partitions: MemoryPartition[] }, count: number): void {
  while (topic.partitions.length < count) {
    topic.partitions.push(new MemoryPartition(topic.name, topic.partitions.length))
  }
}

function fenceOwner(task: { fence: (() => void) | null }): void {
  task.fence?.()
  task.fence = null
}

function pipelineRunning(pipeline: string, owner: string): MillraceError {
  return new MillraceError('pipeline-running', `pipeline '${pipeline}' is run by ${owner}`, {
    at: { pipeline },
    hint: 'stop the other run, or take over: --take-over',
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byName(a: TopicInfo, b: TopicInfo): number {
  return compare(a.name, b.name)
}

function byPlace(a: GroupOffset, b: GroupOffset): number {
  return compare(a.topic, b.topic) || a.partition - b.partition
}
