/** One partition in memory: the callers' blocks in offset order, and what producers wrote last. */
import { assert } from '../../core/assert.ts'
import { MillraceError } from '../../core/error.ts'
import { BatchBuilder, encodeHeaders, RecordBatch } from '../batch.ts'
import type { Appended, PartitionInfo, ProducerStamp, TopicConfig } from '../log.ts'

interface Stored {
  readonly batch: RecordBatch
  readonly appendedMs: number
}

/** The newest stamped append of one producer. */
interface LastAppend {
  readonly sequence: number
  readonly appended: readonly Appended[]
}

export class MemoryPartition {
  readonly topic: string
  readonly partition: number
  /** Called after records were appended; whoever waits adds itself. */
  readonly waiters = new Set<() => void>()
  readonly #producers = new Map<string, LastAppend>()
  #stored: Stored[] = []
  #endOffset = 0
  /** What was trimmed ends here; it may lie within the first stored batch. */
  #trimmedTo = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get endOffset(): number {
    return this.#endOffset
  }

  get startOffset(): number {
    const oldest = this.#stored[0]
    return oldest === undefined
      ? this.#endOffset
      : Math.max(oldest.batch.offset(0), this.#trimmedTo)
  }

  info(): PartitionInfo {
    const bytes = this.#stored.reduce((sum, { batch }) => sum + batch.bytes.length, 0)
    const { partition, startOffset, endOffset } = this
    return { partition, startOffset, endOffset, bytes }
  }

  append(batch: RecordBatch, appendedMs: number): void {
    if (batch.count === 0) return
    assert(
      batch.baseOffset === this.#endOffset,
      () => `batch at ${batch.baseOffset} does not follow ${this.#endOffset}`,
    )
    this.#stored.push({ batch, appendedMs })
    this.#endOffset = batch.nextOffset
  }

  notify(): void {
    for (const waiter of this.waiters) waiter() // a waiter that has enough deletes itself
  }

  /** The stored batch with the first record at or after `offset`, cut below it; null at the end. */
  read(offset: number): RecordBatch | null {
    const from = Math.max(offset, this.#trimmedTo)
    const batch = this.#stored[this.#indexOf(from)]?.batch
    if (batch === undefined) return null
    if (batch.offset(0) >= from) return batch
    return new RecordBatch(this.topic, this.partition, batch.baseOffset, batch.bytes, from)
  }

  hasRecordsFrom(offset: number): boolean {
    const newest = this.#stored.at(-1)
    return newest !== undefined && newest.batch.nextOffset > offset
  }

  /** Index of the first batch that ends after `offset`; binary search. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#stored.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#stored[middle] as Stored).batch.nextOffset > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  offsetAtTime(timeMs: number): number {
    for (const { batch } of this.#stored) {
      if (batch.maxTime < timeMs) continue
      for (let i = 0; i < batch.count; i++) {
        const offset = batch.offset(i)
        if (batch.time(i) >= timeMs && offset >= this.#trimmedTo) return offset
      }
    }
    return this.#endOffset
  }

  /**
   * @returns what the append of this number gave, or null where it is the next number
   * @throws `invalid-argument` where it is neither
   */
  replayed(stamp: ProducerStamp): readonly Appended[] | null {
    const last = this.#producers.get(stamp.producer)
    if (last !== undefined && stamp.sequence === last.sequence) return last.appended
    const expected = last === undefined ? 0 : last.sequence + 1
    if (stamp.sequence === expected) return null
    throw new MillraceError(
      'invalid-argument',
      `producer '${stamp.producer}' sent number ${stamp.sequence}, expected is ${expected}`,
      {
        at: { topic: this.topic, partition: this.partition },
        hint: 'number the appends of a producer 0, 1, 2, … for each partition',
      },
    )
  }

  remember(stamp: ProducerStamp, appended: readonly Appended[]): void {
    this.#producers.set(stamp.producer, { sequence: stamp.sequence, appended })
  }

  /** Drops every record, as deleting the topic does; offsets go on. */
  clear(): void {
    this.#stored = []
  }

  /** Moves the start up to `offset`, which is not above the end; frees the batches before it. */
  trim(offset: number): void {
    if (offset <= this.#trimmedTo) return
    this.#trimmedTo = offset
    this.#stored = this.#stored.slice(this.#indexOf(offset))
  }

  /** Applies retention or compaction, whichever the topic has. */
  maintain(config: TopicConfig, nowMs: number): void {
    if (config.cleanup === 'compact') this.#compact()
    else this.#retain(config, nowMs)
  }

  #retain({ retentionMs, retentionBytes }: TopicConfig, nowMs: number): void {
    let { bytes } = this.info()
    let drop = 0
    for (const { batch, appendedMs } of this.#stored) {
      const isOld = retentionMs !== null && appendedMs < nowMs - retentionMs
      // The newest batch stays, so that one batch above the limit can be read at all.
      const isNewest = drop === this.#stored.length - 1
      const isTooMuch = retentionBytes !== null && bytes > retentionBytes && !isNewest
      if (!isOld && !isTooMuch) break
      bytes -= batch.bytes.length
      drop += 1
    }
    this.#stored = this.#stored.slice(drop)
  }

  /** Keeps the newest record of each key at its offset, tombstones too, and records without key. */
  #compact(): void {
    const newest = new Map<string, number>()
    const keyOf = (batch: RecordBatch, i: number): string | undefined =>
      batch.key(i)?.toString('latin1')
    for (const { batch } of this.#stored) {
      for (let i = 0; i < batch.count; i++) {
        const key = keyOf(batch, i)
        if (key !== undefined) newest.set(key, batch.offset(i))
      }
    }
    const builder = new BatchBuilder()
    const kept: Stored[] = []
    for (const stored of this.#stored) {
      const { batch } = stored
      for (let i = 0; i < batch.count; i++) {
        const key = keyOf(batch, i)
        if (key !== undefined && newest.get(key) !== batch.offset(i)) continue
        const delta = batch.offset(i) - batch.baseOffset
        builder.addAt(delta, batch.key(i), batch.value(i), batch.time(i), batch.headers(i))
      }
      if (builder.count === batch.count) {
        builder.undoTo(0)
        kept.push(stored)
      } else if (builder.count > 0) {
        const { topic, partition } = this
        const block = new RecordBatch(topic, partition, batch.baseOffset, builder.finish())
        kept.push({ batch: block, appendedMs: stored.appendedMs })
      }
    }
    this.#stored = kept
  }
}

/**
 * Checks one block against its topic.
 * @throws `record-too-large` · `invalid-argument` · `log-damaged`
 */
export function checkBatch(batch: RecordBatch, config: TopicConfig): void {
  const at = { topic: batch.topic, partition: batch.partition }
  if (batch.nextOffset - batch.baseOffset !== batch.count) {
    throw new MillraceError('invalid-argument', 'a batch with holes cannot be appended', { at })
  }
  // Cheaper than looking at each record, and enough for nearly all batches.
  const isSmall = batch.bytes.length <= config.recordBytesMax
  for (let i = 0; i < batch.count; i++) {
    if (config.cleanup === 'compact' && batch.keyIsNull(i)) {
      throw new MillraceError('invalid-argument', `record ${i} has no key`, {
        at,
        hint: 'every record of a topic that is compacted needs a key',
      })
    }
    if (isSmall) continue
    const bytes = recordBytes(batch, i)
    if (bytes > config.recordBytesMax) {
      const text = `record ${i} has ${bytes} bytes, ${config.recordBytesMax} are allowed`
      const hint = "raise the topic's recordBytesMax or make the record smaller"
      throw new MillraceError('record-too-large', text, { at, hint })
    }
  }
}

function recordBytes(batch: RecordBatch, i: number): number {
  const headers = encodeHeaders(batch.headers(i)).length
  return batch.keyEnd(i) - batch.keyStart(i) + batch.valueEnd(i) - batch.valueStart(i) + headers
}
