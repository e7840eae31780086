/** The topics of a cluster: made, grown, given settings, deleted. All brokers know at once. */
import type { TopicPartition } from '../../log.ts'
import type { TopicMeta } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { CreateTopicsRequest, TopicOutcome } from '../wire/requests/create-topics.ts'
import type { TopicAnswer } from '../wire/requests/metadata.ts'
import { ModelPartition } from './model-partition.ts'

export interface ModelTopic {
  readonly name: string
  readonly id: string
  readonly partitions: ModelPartition[]
  readonly settings: Map<string, string>
}

const defaults: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'max.message.bytes': '1048588',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
}

const c = errorCode

export class ModelTopics {
  readonly #nodes: readonly number[]
  readonly #byName = new Map<string, ModelTopic>()
  #made = 0

  constructor(nodes: readonly number[]) {
    this.#nodes = nodes
  }

  get all(): readonly ModelTopic[] {
    return [...this.#byName.values()]
  }

  get(name: string): ModelTopic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): ModelTopic | undefined {
    return this.all.find((topic) => topic.id === id)
  }

  at({ topic, partition }: TopicPartition): ModelPartition | undefined {
    return this.#byName.get(topic)?.partitions[partition]
  }

  create({ name, partitions, replicationFactor, settings }: CreateTopicsRequest): TopicOutcome {
    if (this.#byName.has(name)) return said(c.topicAlreadyExists)
    const isAlike = (one: string): boolean => one.replaceAll('.', '_') === name.replaceAll('.', '_')
    if ([...this.#byName.keys()].some(isAlike)) return said(c.invalidTopicException)
    if (partitions < 1) return said(c.invalidPartitions)
    if (replicationFactor > this.#nodes.length) return said(c.invalidReplicationFactor)
    this.#made += 1
    const id = `00000000-0000-4000-8000-${String(this.#made).padStart(12, '0')}`
    const topic: ModelTopic = {
      name,
      id,
      partitions: [],
      settings: new Map(Object.entries(settings)),
    }
    this.#byName.set(name, topic)
    this.#grow(topic, partitions)
    return said(c.none)
  }

  grow(name: string, count: number): TopicOutcome {
    const topic = this.#byName.get(name)
    if (topic === undefined) return said(c.unknownTopicOrPartition)
    if (count <= topic.partitions.length) return said(c.invalidPartitions)
    this.#grow(topic, count)
    return said(c.none)
  }

  #grow({ id, partitions }: ModelTopic, count: number): void {
    for (let i = partitions.length; i < count; i++) {
      const leader = this.#nodes[(this.#made + i) % this.#nodes.length] ?? 0
      partitions.push(new ModelPartition(id, i, leader))
    }
  }

  delete(id: string): TopicOutcome {
    const topic = this.byId(id)
    if (topic === undefined) return said(c.unknownTopicId)
    this.#byName.delete(topic.name)
    return said(c.none)
  }

  alter(name: string, settings: Readonly<Record<string, string>>): TopicOutcome {
    const topic = this.#byName.get(name)
    if (topic === undefined) return said(c.unknownTopicOrPartition)
    for (const [key, value] of Object.entries(settings)) topic.settings.set(key, value)
    return said(c.none)
  }

  setting(topic: ModelTopic, name: string): string | null {
    return topic.settings.get(name) ?? defaults[name] ?? null
  }

  /** As Metadata tells. @param isUp whether a broker is */
  answerOf(name: string, isUp: (node: number) => boolean): TopicAnswer {
    const topic = this.#byName.get(name)
    if (topic === undefined) {
      return { code: c.unknownTopicOrPartition, name, id: '', isInternal: false, partitions: [] }
    }
    return { code: c.none, ...this.#metaOf(topic, isUp) }
  }

  #metaOf({ name, id, partitions }: ModelTopic, isUp: (node: number) => boolean): TopicMeta {
    const isr = this.#nodes.filter(isUp)
    return {
      name,
      id,
      isInternal: false,
      partitions: partitions.map(({ leader, epoch }, partition) => ({
        partition,
        leader: isUp(leader) ? leader : -1,
        leaderEpoch: epoch,
        replicas: this.#nodes,
        isr,
      })),
    }
  }
}

function said(code: number): TopicOutcome {
  return { code, reason: null }
}
