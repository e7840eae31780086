/**
 * What a task has produced since its last commit: records for topics, kept as blocks of up to
 * `batchRecordsMax`. A record's outputs can be taken back until the next record begins (O4).
 */
import { assert } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'
import { BatchBuilder, BlockPool } from '../log/batch.ts'
import type { Header } from '../log/batch.ts'
import type { AppendBatch } from '../log/log.ts'

/**
 * About this many records a block: small enough to read one alone, large enough that its row costs
 * nothing (measured: 500).
 */
const batchRecordsMax = 500
const batchBytesMax = 1 << 20
/** Of blocks that wait to be used again. */
const spareBytesMax = 4 << 20

/** One partition of an output topic. */
class OutputPartition {
  readonly topic: string
  readonly partition: number
  readonly builder = new BatchBuilder()
  /** Records in the builder before the record in hand. */
  mark = 0
  touched = false

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }
}

export interface OutputTopic {
  readonly name: string
  readonly partitionCount: number
  readonly recordBytesMax: number
  /** Compacted: the log refuses records without key. */
  readonly compact: boolean
}

export interface OutputRecord {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly timeMs: number
  readonly headers?: readonly Header[]
}

export class Outputs {
  readonly #topics: Map<string, { topic: OutputTopic; partitions: OutputPartition[] }> = new Map()
  readonly #touched: OutputPartition[] = []
  #touchedCount = 0
  #blocks: AppendBatch[] = []
  #blockBytes = 0
  #recordCount = 0
  /** How blocks are made; null memory: not used again. */
  #making: { readonly checksum: boolean; readonly pool: BlockPool | null } = {
    checksum: true,
    pool: null,
  }

  /** From now on blocks are only read while their commit runs, and given back with `recycle`. */
  lend(): void {
    this.#making = { checksum: false, pool: new BlockPool(spareBytesMax) }
  }

  /** Blocks that `take` gave, after their commit. */
  recycle(blocks: readonly AppendBatch[]): void {
    const { pool } = this.#making
    if (pool === null) return
    for (const { bytes } of blocks) pool.give(bytes.buffer as ArrayBuffer)
  }

  /** Declares a topic that records may be added to. Twice is harmless. */
  declare(topic: OutputTopic): void {
    if (this.#topics.has(topic.name)) return
    const partitions = Array.from(
      { length: topic.partitionCount },
      (_, i) => new OutputPartition(topic.name, i),
    )
    this.#topics.set(topic.name, { topic, partitions })
  }

  partitionCount(topic: string): number {
    return this.#find(topic).topic.partitionCount
  }

  /** Starts a record: what was added before stands. */
  begin(): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const partition = this.#touched[i] as OutputPartition
      partition.touched = false
      const { builder } = partition
      if (builder.count >= batchRecordsMax || builder.payloadBytes >= batchBytesMax)
        this.#cut(partition)
      partition.mark = builder.count
    }
    this.#touchedCount = 0
  }

  /** Takes back what was added since `begin`. */
  undo(): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const partition = this.#touched[i] as OutputPartition
      this.#recordCount -= partition.builder.count - partition.mark
      partition.builder.undoTo(partition.mark)
      partition.touched = false
    }
    this.#touchedCount = 0
  }

  /** Adds a record. @throws `record-too-large` */
  add(topic: string, partition: number, record: OutputRecord): void {
    this.addTo(
      this.#find(topic),
      partition,
      record.key,
      record.value,
      record.timeMs,
      record.headers,
    )
  }

  /** As `add`, for a step that resolved its topic once with `target`. */
  addTo(
    target: OutputTarget,
    partition: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timeMs: number,
    headers?: readonly Header[],
  ): void {
    const output = target.partitions[partition]
    assert(output !== undefined, () => `${target.topic.name} has no partition ${partition}`)
    if (!output.touched) {
      output.touched = true
      this.#touched[this.#touchedCount++] = output
    }
    output.builder.add(key, value, timeMs, headers)
    this.#recordCount += 1
    const size = output.builder.lastRecordBytes()
    if (size > target.topic.recordBytesMax) {
      throw new MillraceError(
        'record-too-large',
        `a record of ${size} bytes is over the topic's ${target.topic.recordBytesMax}`,
        {
          at: { topic: target.topic.name, partition },
          hint: 'write less into one record, or raise recordBytesMax of the topic',
        },
      )
    }
  }

  target(topic: string): OutputTarget {
    return this.#find(topic)
  }

  /** Records added since the last `take`. */
  get recordCount(): number {
    return this.#recordCount
  }

  /** Payload bytes in finished blocks: a measure for when to commit. */
  get blockBytes(): number {
    return this.#blockBytes
  }

  /** All blocks, for the commit; then starts anew. Between records only. */
  take(): AppendBatch[] {
    this.begin()
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) if (partition.builder.count > 0) this.#cut(partition)
    }
    const blocks = this.#blocks
    this.#blocks = []
    this.#blockBytes = 0
    this.#recordCount = 0
    return blocks
  }

  #cut(partition: OutputPartition): void {
    const bytes = partition.builder.finish(this.#making)
    partition.mark = 0
    this.#blockBytes += bytes.length
    this.#blocks.push({ topic: partition.topic, partition: partition.partition, bytes })
  }

  #find(topic: string): { topic: OutputTopic; partitions: OutputPartition[] } {
    const found = this.#topics.get(topic)
    assert(found !== undefined, () => `topic ${topic} was not declared as an output`)
    return found
  }
}

/** A declared topic, resolved. Opaque to steps. */
export interface OutputTarget {
  readonly topic: OutputTopic
  readonly partitions: readonly OutputPartition[]
}
