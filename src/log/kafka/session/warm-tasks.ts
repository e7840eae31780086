/** Of which tasks a nearly complete copy of the state lies on this disk. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TopicPartition } from '../../log.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { Cluster } from '../wire/cluster.ts'
import type { CopyIdentity } from './copy-entry.ts'
import { readSegment } from './copy-segment.ts'

export interface CopyPlace {
  readonly task: string
  /** Its changelog. */
  readonly place: TopicPartition
  /** Of its copy. */
  readonly directory: string
}

/** A copy is nearly complete that lacks this share of the changelog's offsets, or so few. */
const missingShareMax = 0.1
const missingMax = 100

/** Looks at the newest segment of each copy, and where the changelogs end. */
export async function warmTasks(
  cluster: Cluster,
  places: readonly CopyPlace[],
): Promise<readonly string[]> {
  const there = places.filter(({ directory }) => existsSync(directory))
  if (there.length === 0) return []
  const clusterId = await cluster.clusterId()
  const topics = await cluster.topics([...new Set(there.map(({ place }) => place.topic))])
  const copies: (CopyPlace & { end: number })[] = []
  for (const one of there) {
    const topic = topics.get(one.place.topic)
    if (topic?.partitions[one.place.partition] === undefined) continue
    const identity = { ...one.place, clusterId, topicId: topic.id }
    const end = await endOf(one.directory, identity)
    if (end !== null) copies.push({ ...one, end })
  }
  const changelogs = copies.map(({ place }) => place)
  const starts = await listOffsets(cluster, changelogs, 'earliest')
  const ends = await listOffsets(cluster, changelogs, 'latest')
  return copies.flatMap(({ task, end }, i) => {
    const [start = 0, latest = 0] = [starts[i], ends[i]]
    const missing = latest - end
    const isNear = missing <= Math.max(missingMax, (latest - start) * missingShareMax)
    return isNear && missing >= 0 && end >= start ? [task] : []
  })
}

/** Where the newest segment ends; null: nothing usable lies there. */
async function endOf(directory: string, identity: CopyIdentity): Promise<number | null> {
  const newest = (await readdir(directory)).toSorted().at(-1)
  if (newest === undefined) return null
  let end: number | null = null
  for await (const { to } of readSegment(join(directory, newest), identity)) end = to
  return end
}
