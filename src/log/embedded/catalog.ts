/** Topics and partitions: what is allowed, how they are read and changed. */
import { MillraceError } from '../../core/error.ts'
import { batchBytesMax } from '../batch.ts'
import { defaultTopicConfig, type PartitionInfo, type TopicConfig, type TopicInfo } from '../log.ts'
import type { Store } from './db.ts'
import { damaged, unknownPartition, unknownTopic } from './errors.ts'
import { insertedSum, sumInserted, update } from './row-sums.ts'

const partitionsMax = 1024

/** @throws `invalid-topic` */
export function checkTopicName(name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new MillraceError('invalid-topic', `topic name ${JSON.stringify(name)} is not allowed`, {
    hint: 'use 1 to 249 of the letters a-z A-Z, digits and . _ - (and not . or .. alone)',
  })
}

/** `base` with what `changes` sets. @throws `invalid-topic` */
export function mergeConfig(base: TopicConfig, changes: Partial<TopicConfig>): TopicConfig {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  const config: TopicConfig = { ...base, ...Object.fromEntries(given) }
  const { partitions, retentionMs, retentionBytes, cleanup, recordBytesMax } = config
  if (!isCount(partitions) || partitions > partitionsMax) {
    throw invalid('partitions', partitions, `use a whole number from 1 to ${partitionsMax}`)
  }
  if (retentionMs !== null && !isCount(retentionMs)) {
    throw invalid(
      'retentionMs',
      retentionMs,
      'use a whole number of ms above 0, or null to keep for ever',
    )
  }
  if (retentionBytes !== null && !isCount(retentionBytes)) {
    throw invalid(
      'retentionBytes',
      retentionBytes,
      'use a whole number of bytes above 0, or null for no limit',
    )
  }
  if (cleanup !== 'delete' && cleanup !== 'compact')
    throw invalid('cleanup', cleanup, "use 'delete' or 'compact'")
  if (!isCount(recordBytesMax) || recordBytesMax > batchBytesMax) {
    throw invalid(
      'recordBytesMax',
      recordBytesMax,
      `use a whole number of bytes from 1 to ${batchBytesMax}`,
    )
  }
  return config
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

function invalid(setting: string, value: unknown, hint: string): MillraceError {
  return new MillraceError(
    'invalid-topic',
    `topic setting ${setting} cannot be ${JSON.stringify(value)}`,
    { hint },
  )
}

interface TopicRow {
  readonly id: number
  readonly name: string
  readonly created_ms: number
  readonly retention_ms: number | null
  readonly retention_bytes: number | null
  readonly cleanup: TopicConfig['cleanup']
  readonly record_bytes_max: number
}

function configOf(row: TopicRow, partitions: number): TopicConfig {
  return {
    partitions,
    retentionMs: row.retention_ms,
    retentionBytes: row.retention_bytes,
    cleanup: row.cleanup,
    recordBytesMax: row.record_bytes_max,
  }
}

export function sameConfig(a: TopicConfig, b: TopicConfig): boolean {
  return (
    a.partitions === b.partitions &&
    a.retentionMs === b.retentionMs &&
    a.retentionBytes === b.retentionBytes &&
    a.cleanup === b.cleanup &&
    a.recordBytesMax === b.recordBytesMax
  )
}

/** The topic as it is now, undefined where there is none. */
export function readTopic(store: Store, name: string): TopicInfo | undefined {
  const row = store.get<TopicRow>('SELECT * FROM topics WHERE name = ?', name)
  return row === undefined ? undefined : infoOf(store, row)
}

export function readTopics(store: Store): TopicInfo[] {
  return store.all<TopicRow>('SELECT * FROM topics ORDER BY name').map((row) => infoOf(store, row))
}

function infoOf(store: Store, row: TopicRow): TopicInfo {
  const partitions = store
    .all<{ partition: number; start: number; next: number; bytes: number }>(
      `SELECT partition, start_offset AS start, next_offset AS next, bytes FROM partitions
       WHERE topic_id = ? ORDER BY partition`,
      row.id,
    )
    .map(({ partition, start, next, bytes }): PartitionInfo => ({
      partition,
      startOffset: start,
      endOffset: next,
      bytes,
    }))
  return {
    name: row.name,
    config: configOf(row, partitions.length),
    createdMs: row.created_ms,
    partitions,
  }
}

/** What a write needs to know of a partition. */
export interface PartitionPlace {
  readonly partId: number
  readonly topic: string
  readonly partition: number
  readonly config: TopicConfig
}

/**
 * The writer's memory of topics, read anew when some process has changed them. Valid inside a
 * write transaction only, which `begin` starts; after a change or a rollback the writer calls
 * `forget`.
 */
export class Catalog {
  readonly #store: Store
  #version = -1
  #topics = new Map<string, PartitionPlace[]>()

  constructor(store: Store) {
    this.#store = store
  }

  forget(): void {
    this.#version = -1
  }

  begin(): void {
    // Unchecked: another number than the last one makes us look, and that is all.
    const row = this.#store.get<{ value: number }>(
      "SELECT value FROM main.meta WHERE key = 'catalog'",
    )
    if (row === undefined) throw damaged(this.#store.path, 'says nothing of its catalog')
    const version = row.value
    if (version === this.#version) return
    this.#topics = new Map()
    for (const topic of this.#store.all<TopicRow>('SELECT * FROM topics')) {
      const rows = this.#store.all<{ id: number; partition: number }>(
        'SELECT id, partition FROM partitions WHERE topic_id = ? ORDER BY partition',
        topic.id,
      )
      const config = configOf(topic, rows.length)
      const places = rows.map(({ id, partition }) => ({
        partId: id,
        topic: topic.name,
        partition,
        config,
      }))
      this.#topics.set(topic.name, places)
    }
    this.#version = version
  }

  /** @throws `unknown-topic` · `unknown-partition` */
  find(topic: string, partition: number): PartitionPlace {
    if (this.#version === -1) this.begin()
    const places = this.#topics.get(topic)
    if (places === undefined) throw unknownTopic(topic)
    const place = places[partition]
    if (place === undefined) throw unknownPartition(topic, partition, places.length)
    return place
  }

  /** @throws `topic-exists` */
  create(name: string, config: TopicConfig, nowMs: number): null {
    const existing = readTopic(this.#store, name)
    if (existing !== undefined) {
      if (sameConfig(existing.config, config)) return null
      throw new MillraceError('topic-exists', `topic '${name}' exists with other settings`, {
        hint: `see them: millrace topics describe ${name}`,
        at: { topic: name },
      })
    }
    this.#store.run(
      `INSERT INTO main.topics
         (name, created_ms, retention_ms, retention_bytes, cleanup, record_bytes_max, sum)
       VALUES (?, ?, ?, ?, ?, ?, 0)`,
      name,
      nowMs,
      config.retentionMs,
      config.retentionBytes,
      config.cleanup,
      config.recordBytesMax,
    )
    this.#store.run(sumInserted('topics'))
    this.#addPartitions(name, 0, config.partitions)
    return null
  }

  /** @throws `unknown-topic` · `invalid-topic` */
  alter(name: string, changes: Partial<TopicConfig>): null {
    const existing = readTopic(this.#store, name)
    if (existing === undefined) throw unknownTopic(name)
    const config = mergeConfig(existing.config, changes)
    const count = existing.config.partitions
    if (config.partitions < count) {
      throw invalid(
        'partitions',
        config.partitions,
        `topic '${name}' has ${count}, and partitions are never removed`,
      )
    }
    this.#store.run(
      `${update('topics', {
        retention_ms: '?1',
        retention_bytes: '?2',
        cleanup: '?3',
        record_bytes_max: '?4',
      })} WHERE name = ?5`,
      config.retentionMs,
      config.retentionBytes,
      config.cleanup,
      config.recordBytesMax,
      name,
    )
    this.#addPartitions(name, count, config.partitions)
    return null
  }

  /** The batches are deleted later, a slice at a time (retention.ts). @throws `unknown-topic` */
  delete(name: string): null {
    const topic = this.#store.get<{ id: number }>('SELECT id FROM topics WHERE name = ?', name)
    if (topic === undefined) throw unknownTopic(name)
    const mine = '(SELECT id FROM partitions WHERE topic_id = ?)'
    this.#store.run(`DELETE FROM main.offsets WHERE part_id IN ${mine}`, topic.id)
    this.#store.run(`DELETE FROM main.producers WHERE part_id IN ${mine}`, topic.id)
    this.#store.run(
      `INSERT INTO main.dropped (part_id, sum)
       SELECT id, ${insertedSum('id')} FROM partitions WHERE topic_id = ?`,
      topic.id,
    )
    this.#store.run('DELETE FROM main.partitions WHERE topic_id = ?', topic.id)
    this.#store.run('DELETE FROM main.topics WHERE id = ?', topic.id)
    this.#changed()
    return null
  }

  #addPartitions(name: string, from: number, to: number): void {
    for (let partition = from; partition < to; partition++) {
      this.#store.run(
        `INSERT INTO main.partitions (topic_id, partition, sum)
         SELECT id, ?, 0 FROM topics WHERE name = ?`,
        partition,
        name,
      )
      this.#store.run(sumInserted('partitions'))
    }
    this.#changed()
  }

  #changed(): void {
    this.#store.run(`${update('meta', { value: 'value + 1' })} WHERE key = 'catalog'`)
    this.forget()
  }
}

/** Settings of a topic about to be created. @throws `invalid-topic` */
export function newConfig(config: Partial<TopicConfig>): TopicConfig {
  return mergeConfig(defaultTopicConfig, config)
}
