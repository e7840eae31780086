/** What is to be appended: checked before anything is sent, then encoded. */
import { MillraceError } from '../../../core/error.ts'
import { RecordBatch } from '../../batch.ts'
import type { BlockPool } from '../../block-pool.ts'
import { encodeHeaders } from '../../headers.ts'
import type { AppendBatch, Appended, TopicPartition } from '../../log.ts'
import { unknownPartition, unknownTopic } from '../fetch/offsets.ts'
import type { Compression } from '../records/compression.ts'
import { encodeBlocks } from '../records/encode.ts'
import type { BlockPlace, EncodedBatch } from '../records/encode.ts'
import type { Cluster } from '../wire/cluster.ts'

/** What is known of a topic's limits. */
export interface TopicLimits {
  /** Payload of one record. */
  readonly recordBytesMax: number
  /** Of one Kafka batch, compressed. */
  readonly batchBytesMax: number
  readonly isCompacted: boolean
}

export interface AppendOptions {
  readonly cluster: Cluster
  readonly compression: Compression
  readonly limits: (topic: string) => Promise<TopicLimits>
}

/** The batches of one partition, in order. */
export interface PartitionBatches extends TopicPartition {
  readonly batches: readonly EncodedBatch[]
}

/** By partition: base offset of each of its batches. */
export type BaseOffsets = ReadonlyMap<PartitionBatches, readonly number[]>

/** Checked, not yet encoded. */
export interface PreparedAppends {
  /** Those that get records, each once. */
  readonly partitions: readonly TopicPartition[]
  /** Costs CPU; may be called while a request is on its way. */
  encode(): EncodedAppends
}

export interface EncodedAppends {
  readonly partitions: readonly PartitionBatches[]
  /** One for each append, in order. Without records: base offset −1, count 0. */
  receipts(offsets: BaseOffsets): Appended[]
  /**
   * The first append whose records do not follow one another: it took several batches, and another
   * producer wrote between them. null: none.
   */
  scattered(offsets: BaseOffsets): TopicPartition | null
  /** All batches are acknowledged: gives their memory back to the pool. */
  release(): void
}

/** An append that its topic takes. */
export interface CheckedAppend {
  readonly append: AppendBatch
  readonly limits: TopicLimits
}

/**
 * @throws `unknown-topic` · `unknown-partition` · `record-too-large` · `invalid-argument` (no key
 * for a compacted topic; a batch with holes); nothing was sent then
 */
export async function checkAppends(
  appends: readonly AppendBatch[],
  { cluster, limits }: Pick<AppendOptions, 'cluster' | 'limits'>,
): Promise<CheckedAppend[]> {
  const checked: CheckedAppend[] = []
  for (const append of appends) {
    await checkPlace(cluster, append)
    const limit = await limits(append.topic)
    checkRecords(append, limit)
    checked.push({ append, limits: limit })
  }
  return checked
}

/** Several appends for one partition become few batches, in order. */
export function prepareAppends(
  appends: readonly CheckedAppend[],
  compression: Compression,
  pool: BlockPool | null = null,
): PreparedAppends {
  const groups = new Map<string, Group>()
  for (const [i, { append, limits }] of appends.entries()) {
    const { topic, partition, bytes } = append
    const key = placeKey(append)
    const known = groups.get(key)
    if (known === undefined) {
      const bytesMax = limits.batchBytesMax
      groups.set(key, { topic, partition, indexes: [i], blocks: [bytes], bytesMax })
    } else {
      known.indexes.push(i)
      known.blocks.push(bytes)
    }
  }
  const all = [...groups.values()]
  return {
    partitions: all
      .filter(({ blocks }) => blocks.some((block) => recordCountOf(block) > 0))
      .map(({ topic, partition }) => ({ topic, partition })),
    encode: () => encode(all, compression, pool),
  }
}

interface Group extends TopicPartition {
  /** Of the appends. */
  readonly indexes: number[]
  readonly blocks: Uint8Array[]
  readonly bytesMax: number
}

/** A partition as one string. */
export function placeKey({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`
}

/** Without decoding it (layout: log/batch-format.ts). */
export function recordCountOf({ buffer, byteOffset, byteLength }: Uint8Array): number {
  return byteLength < 12 ? 0 : new DataView(buffer, byteOffset, byteLength).getUint32(8, true)
}

function encode(
  groups: readonly Group[],
  compression: Compression,
  pool: BlockPool | null,
): EncodedAppends {
  const partitions: PartitionBatches[] = []
  const places: { of: PartitionBatches; at: BlockPlace }[] = []
  for (const { topic, partition, indexes, blocks, bytesMax } of groups) {
    const encoded = encodeBlocks(blocks, { compression, batchBytesMax: bytesMax, pool })
    const of = { topic, partition, batches: encoded.batches }
    if (of.batches.length > 0) partitions.push(of)
    for (const [n, i] of indexes.entries()) places[i] = { of, at: encoded.places[n] as BlockPlace }
  }
  return {
    partitions,
    receipts: (offsets) =>
      places.map(({ of, at: { batch, record, recordCount } }) => ({
        topic: of.topic,
        partition: of.partition,
        baseOffset: recordCount === 0 ? -1 : (offsets.get(of)?.[batch] ?? -1) + record,
        recordCount,
      })),
    scattered: (offsets) =>
      places.find(({ of, at }) => !isTogether(of.batches, at, offsets.get(of) ?? []))?.of ?? null,
    release: () => {
      if (pool === null) return
      for (const { batches } of partitions) {
        for (const { bytes } of batches) pool.give(bytes.buffer as ArrayBuffer)
      }
    },
  }
}

function isTogether(
  batches: readonly EncodedBatch[],
  { batch, record, recordCount }: BlockPlace,
  offsets: readonly number[],
): boolean {
  let left = recordCount - ((batches[batch]?.recordCount ?? 0) - record)
  for (let i = batch; left > 0; i++) {
    const end = (offsets[i] ?? 0) + (batches[i]?.recordCount ?? 0)
    const next = batches[i + 1]
    if (next === undefined || offsets[i + 1] !== end) return false
    left -= next.recordCount
  }
  return true
}

async function checkPlace(cluster: Cluster, { topic, partition }: AppendBatch): Promise<void> {
  const find = cluster.known(topic) ?? (await cluster.topics([topic])).get(topic)
  const isThere = find?.partitions[partition] !== undefined
  // It may have been made, or have grown, since the last look.
  const meta = isThere ? find : (await cluster.topics([topic], { fresh: true })).get(topic)
  if (meta === undefined) throw unknownTopic(topic)
  if (meta.partitions[partition] === undefined) throw unknownPartition(topic, partition)
}

function checkRecords({ topic, partition, bytes }: AppendBatch, limit: TopicLimits): void {
  const at = { topic, partition }
  const batch = new RecordBatch(topic, partition, 0, bytes, 0, { nextOffset: null })
  if (batch.nextOffset !== batch.count) {
    throw new MillraceError('invalid-argument', 'an appended record batch has holes', {
      at,
      hint: 'build it with BatchBuilder.add',
    })
  }
  const isSmall = bytes.length <= limit.recordBytesMax
  if (isSmall && !limit.isCompacted) return
  for (let i = 0; i < batch.count; i++) {
    if (limit.isCompacted && batch.keyIsNull(i)) {
      const text = `a record without key cannot be appended to '${topic}', which is compacted`
      throw new MillraceError('invalid-argument', text, { at, hint: 'give each record a key' })
    }
    const size = isSmall ? 0 : payloadOf(batch, i)
    if (size <= limit.recordBytesMax) continue
    const text = `a record of ${size} bytes is over the topic's ${limit.recordBytesMax}`
    const hint = 'write less into one record, or raise recordBytesMax of the topic'
    throw new MillraceError('record-too-large', text, { at, hint })
  }
}

function payloadOf(batch: RecordBatch, i: number): number {
  const headers = batch.headers(i)
  const headerBytes = headers.length === 0 ? 0 : encodeHeaders(headers).length
  return batch.keyEnd(i) - batch.keyStart(i) + batch.valueEnd(i) - batch.valueStart(i) + headerBytes
}
