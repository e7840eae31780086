/**
 * What a memory log holds, apart from the handles on it: several logs opened on one store see the
 * same data, as several processes on one directory do. Every change is one synchronous step after
 * all checks, so it is atomic.
 */
import { MillraceError } from '../../core/error.ts'
import { RecordBatch } from '../batch.ts'
import type {
  AppendBatch,
  Appended,
  ChangelogWrite,
  GroupOffset,
  ProducerStamp,
  TopicConfig,
  TopicInfo,
  TopicPartition,
} from '../log.ts'
import { checkBatch, MemoryPartition } from './memory-partition.ts'

export interface MemoryTopic {
  readonly name: string
  readonly createdMs: number
  config: TopicConfig
  readonly partitions: MemoryPartition[]
}

/** Offsets by topic and partition. */
export type OffsetMap = Map<string, GroupOffset>

export interface MemoryTask {
  readonly pipeline: string
  /** Outlives deleteGroup, so that it never repeats. */
  epoch: number
  readonly offsets: OffsetMap
  changelog: readonly ChangelogWrite[]
  /** Fences the session that owns the task; null when none does. */
  fence: (() => void) | null
}

export interface MemoryMember {
  /** Tells the member that another took its pipeline. */
  fence(): void
}

/** A checked append: nothing can fail any more. */
export interface PreparedAppend {
  readonly appended: readonly Appended[]
  apply(nowMs: number): void
}

export class MemoryStore {
  readonly topics = new Map<string, MemoryTopic>()
  /** Offsets set by commitGroup. */
  readonly groups = new Map<string, OffsetMap>()
  /** By `taskKey`. */
  readonly tasks = new Map<string, MemoryTask>()
  /** Who runs a pipeline, by its name. */
  readonly members = new Map<string, MemoryMember>()
  /** How many runs of a pipeline there have been, by its name. */
  readonly generations = new Map<string, number>()

  /** @throws `unknown-topic` */
  topic(name: string): MemoryTopic {
    const topic = this.topics.get(name)
    if (topic !== undefined) return topic
    throw new MillraceError('unknown-topic', `topic '${name}' does not exist`, {
      at: { topic: name },
      hint: `create it: millrace topics create ${name}`,
    })
  }

  /** @throws `unknown-topic` · `unknown-partition` */
  partition({ topic, partition }: TopicPartition): MemoryPartition {
    const { partitions } = this.topic(topic)
    const found = partitions[partition]
    if (found !== undefined) return found
    throw new MillraceError(
      'unknown-partition',
      `topic '${topic}' has no partition ${partition}, only 0 to ${partitions.length - 1}`,
      { at: { topic, partition } },
    )
  }

  /**
   * Checks an append and gives its offsets; `apply` then does it. Both in the same synchronous
   * step.
   */
  prepare(batches: readonly AppendBatch[], stamp?: ProducerStamp): PreparedAppend {
    if (stamp !== undefined) checkStamp(stamp)
    const writes: { partition: MemoryPartition; batch: RecordBatch }[] = []
    const ends = new Map<MemoryPartition, number>()
    const fresh = new Map<MemoryPartition, Appended[]>()
    const replayed = new Map<MemoryPartition, Appended[]>()
    const appended = batches.map((given): Appended => {
      const partition = this.partition(given)
      if (stamp !== undefined && !ends.has(partition) && !replayed.has(partition)) {
        const earlier = partition.replayed(stamp)
        if (earlier !== null) replayed.set(partition, [...earlier])
      }
      const repeats = replayed.get(partition)
      if (repeats !== undefined) return nextReplayed(repeats, given)
      const base = ends.get(partition) ?? partition.endOffset
      const batch = new RecordBatch(given.topic, given.partition, base, given.bytes)
      checkBatch(batch, this.topic(given.topic).config)
      writes.push({ partition, batch })
      ends.set(partition, batch.nextOffset)
      const { topic, partition: index } = given
      const result = { topic, partition: index, baseOffset: base, recordCount: batch.count }
      fresh.set(partition, [...(fresh.get(partition) ?? []), result])
      return result
    })
    const apply = (nowMs: number): void => {
      for (const { partition, batch } of writes) partition.append(batch, nowMs)
      if (stamp !== undefined) for (const [p, results] of fresh) p.remember(stamp, results)
      for (const partition of ends.keys()) partition.notify()
    }
    return { appended, apply }
  }

  /** Forgets what groups and tasks hold on a topic. */
  forgetTopic(name: string): void {
    const maps = [...this.groups.values(), ...[...this.tasks.values()].map((t) => t.offsets)]
    for (const offsets of maps) {
      for (const [key, { topic }] of offsets) if (topic === name) offsets.delete(key)
    }
  }

  tasksOf(pipeline: string): MemoryTask[] {
    return [...this.tasks.values()].filter((task) => task.pipeline === pipeline)
  }

  /** Who holds a group, for people; null when nobody does. */
  ownerOf(group: string): string | null {
    const isOwned =
      this.members.has(group) || this.tasksOf(group).some((task) => task.fence !== null)
    return isOwned ? 'this process' : null
  }
}

export function topicInfo(topic: MemoryTopic): TopicInfo {
  const { name, config, createdMs } = topic
  return { name, config, createdMs, partitions: topic.partitions.map((p) => p.info()) }
}

export function offsetKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

export function taskKey(task: { readonly pipeline: string; readonly task: string }): string {
  return JSON.stringify([task.pipeline, task.task])
}

function checkStamp({ producer, sequence }: ProducerStamp): void {
  const isNamed = producer.length >= 1 && producer.length <= 249
  if (isNamed && Number.isSafeInteger(sequence) && sequence >= 0) return
  throw new MillraceError('invalid-argument', `'${producer}' number ${sequence} is no stamp`, {
    hint: 'a producer has 1 to 249 characters and numbers its appends 0, 1, 2, …',
  })
}

function nextReplayed(repeats: Appended[], { topic, partition }: TopicPartition): Appended {
  const result = repeats.shift()
  if (result !== undefined) return result
  throw new MillraceError('invalid-argument', 'a repeated append has more batches than the first', {
    at: { topic, partition },
  })
}
