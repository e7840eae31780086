/** What is to be appended, checked and encoded: before anything is sent. */
import { MillraceError } from '../../../core/error.ts'
import { RecordBatch } from '../../batch.ts'
import type { AppendBatch, Appended } from '../../log.ts'
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
export interface PartitionBatches {
  readonly topic: string
  readonly partition: number
  readonly batches: readonly EncodedBatch[]
}

export interface Appends {
  readonly partitions: readonly PartitionBatches[]
  /** @param baseOffsets of the batches of each partition */
  receipts(baseOffsets: ReadonlyMap<PartitionBatches, readonly number[]>): Appended[]
}

/**
 * @throws `unknown-topic` · `unknown-partition` · `record-too-large` · `invalid-argument` (no key
 * for a compacted topic); nothing was sent then
 */
export async function encodeAppends(
  appends: readonly AppendBatch[],
  { cluster, compression, limits }: AppendOptions,
): Promise<Appends> {
  const byPlace = new Map<string, number[]>()
  for (const [i, append] of appends.entries()) {
    await checkPlace(cluster, append)
    const key = `${append.partition} ${append.topic}`
    byPlace.set(key, [...(byPlace.get(key) ?? []), i])
  }
  const partitions: PartitionBatches[] = []
  const places: { in: PartitionBatches; at: BlockPlace }[] = []
  for (const indexes of byPlace.values()) {
    const list = indexes.map((i) => appends[i] as AppendBatch)
    const { topic, partition } = list[0] as AppendBatch
    const limit = await limits(topic)
    for (const append of list) checkRecords(append, limit)
    const blocks = list.map(({ bytes }) => bytes)
    const { batchBytesMax } = limit
    const encoded = encodeBlocks(blocks, { compression, batchBytesMax })
    const one = { topic, partition, batches: encoded.batches }
    partitions.push(one)
    for (const [n, i] of indexes.entries()) {
      places[i] = { in: one, at: encoded.places[n] as BlockPlace }
    }
  }
  return {
    partitions: partitions.filter(({ batches }) => batches.length > 0),
    receipts: (baseOffsets) =>
      places.map(({ in: one, at }) => ({
        topic: one.topic,
        partition: one.partition,
        baseOffset: (baseOffsets.get(one)?.[at.batch] ?? 0) + at.record,
        recordCount: at.recordCount,
      })),
  }
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
  if (bytes.length <= limit.recordBytesMax && !limit.isCompacted) return
  const batch = new RecordBatch(topic, partition, 0, bytes, 0, { nextOffset: null })
  for (let i = 0; i < batch.count; i++) {
    if (limit.isCompacted && batch.keyIsNull(i)) {
      throw new MillraceError(
        'invalid-argument',
        `a record without key cannot be appended to '${topic}', which is compacted`,
        { at: { topic, partition }, hint: 'give each record a key' },
      )
    }
    const size = payloadOf(batch, i)
    if (size <= limit.recordBytesMax) continue
    throw new MillraceError(
      'record-too-large',
      `a record of ${size} bytes is over the topic's ${limit.recordBytesMax}`,
      {
        at: { topic, partition },
        hint: 'write less into one record, or raise recordBytesMax of the topic',
      },
    )
  }
}

function payloadOf(batch: RecordBatch, i: number): number {
  const plain = batch.keyEnd(i) - batch.keyStart(i) + batch.valueEnd(i) - batch.valueStart(i)
  return batch
    .headers(i)
    .reduce((sum, { name, value }) => sum + 6 + name.length + (value?.length ?? 0), plain)
}
