/** Whether partitions and offsets that somebody names are there. */
import { MillraceError } from '../../../core/error.ts'
import type { GroupOffset, TopicPartition } from '../../log.ts'
import { listOffsets, unknownTopic } from '../fetch/offsets.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'

/** For maps: one text for a partition. */
export function placeKey({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`
}

/** @throws `unknown-topic` · `not-authorised` */
export async function findTopics(
  cluster: Cluster,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicMeta>> {
  const distinct = [...new Set(names)]
  const metas = await cluster.topics(distinct, { fresh: true })
  for (const name of distinct) if (!metas.has(name)) throw unknownTopic(name)
  return metas
}

/** @throws `unknown-partition` */
export function checkPartition(meta: TopicMeta, { topic, partition }: TopicPartition): void {
  if (meta.partitions[partition] !== undefined) return
  const count = meta.partitions.length
  throw new MillraceError('unknown-partition', `topic '${topic}' has no partition ${partition}`, {
    at: { topic, partition },
    hint: count === 1 ? 'it has only partition 0' : `it has partitions 0 to ${count - 1}`,
  })
}

/**
 * That the partitions exist and the offsets are not above their ends.
 * @returns the topics, asked anew
 * @throws `unknown-topic` · `unknown-partition` · `invalid-argument` · `offset-out-of-range`
 */
export async function checkPlaces(
  cluster: Cluster,
  places: readonly GroupOffset[],
): Promise<ReadonlyMap<string, TopicMeta>> {
  const metas = await findTopics(
    cluster,
    places.map(({ topic }) => topic),
  )
  for (const place of places) {
    const meta = metas.get(place.topic)
    if (meta !== undefined) checkPartition(meta, place)
    checkOffset(place)
  }
  // Brokers refuse to be asked for a partition twice.
  const distinct = [...new Map(places.map((place) => [placeKey(place), place])).values()]
  const found = await listOffsets(cluster, distinct, 'latest')
  const ends = new Map(distinct.map((place, i) => [placeKey(place), found[i]]))
  for (const { topic, partition, offset } of places) {
    const end = ends.get(placeKey({ topic, partition })) ?? 0
    if (offset <= end) continue
    const text = `offset ${offset} is above the end ${end}`
    throw new MillraceError('offset-out-of-range', text, {
      at: { topic, partition },
      hint: 'use the end, or an earlier offset',
    })
  }
  return metas
}

function checkOffset({ topic, partition, offset }: GroupOffset): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return
  throw new MillraceError('invalid-argument', `${offset} is no offset`, {
    at: { topic, partition },
    hint: 'use a whole number, 0 or more',
  })
}
