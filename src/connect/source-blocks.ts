/** Cuts a source's records into blocks for the partitions of its topic. */
import { MillraceError } from '../core/error.ts'
import { BatchBuilder } from '../log/batch.ts'
import type { AppendBatch } from '../log/log.ts'
import { KeylessPartitioner, partitionOf, partitionOfText } from '../log/partitioner.ts'
import type { SourceRecord } from './source.ts'

/**
 * As the engine cuts them: small enough to read one alone, large enough that its row costs nothing.
 */
const blockRecordsMax = 500
const blockBytesMax = 1 << 20

export class SourceBlocks {
  readonly #topic: string
  readonly #builders: readonly BatchBuilder[]
  readonly #keyless = new KeylessPartitioner()

  constructor(topic: string, partitionCount: number) {
    this.#topic = topic
    this.#builders = Array.from({ length: partitionCount }, () => new BatchBuilder())
  }

  /**
   * The blocks of these records; within a partition in the records' order.
   * @throws `invalid-argument` for a time that is not finite · `unknown-partition`
   */
  of(records: readonly SourceRecord[]): AppendBatch[] {
    const blocks: AppendBatch[] = []
    const cut = (partition: number, builder: BatchBuilder): void => {
      blocks.push({ topic: this.#topic, partition, bytes: builder.finish() })
    }
    try {
      for (const record of records) {
        const partition = record.partition ?? this.#choose(record.key)
        const builder = this.#builders[partition]
        if (builder === undefined) throw this.#noPartition(partition)
        if (!Number.isFinite(record.time)) throw this.#noTime(record.time)
        builder.add(record.key, record.value, record.time)
        if (builder.count >= blockRecordsMax || builder.payloadBytes >= blockBytesMax) {
          cut(partition, builder)
        }
      }
    } catch (thrown) {
      for (const builder of this.#builders) builder.undoTo(0) // the next batch starts clean
      throw thrown
    }
    for (const [partition, builder] of this.#builders.entries()) {
      if (builder.count > 0) cut(partition, builder)
    }
    return blocks
  }

  #choose(key: string | Uint8Array | null): number {
    const count = this.#builders.length
    if (key === null) return this.#keyless.next(count)
    return typeof key === 'string' ? partitionOfText(key, count) : partitionOf(key, count)
  }

  #noPartition(partition: number): MillraceError {
    const text = `a source gave partition ${partition} of ${this.#builders.length}`
    return new MillraceError('unknown-partition', text, { at: { topic: this.#topic } })
  }

  #noTime(time: number): MillraceError {
    return new MillraceError('invalid-argument', `a source gave a record the time ${time}`, {
      at: { topic: this.#topic },
      hint: 'give ms since 1970',
    })
  }
}
