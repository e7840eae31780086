/** How far groups have read: their offsets beside the ends of the partitions. */
import type { GroupInfo, TopicInfo } from './log.ts'

export interface GroupPlace {
  readonly topic: string
  readonly partition: number
  /** Next offset to read. */
  readonly offset: number
  readonly endOffset: number
  /** Records not yet read. */
  readonly lag: number
}

export interface GroupState {
  readonly group: string
  readonly owner: string | null
  readonly lag: number
  readonly offsets: readonly GroupPlace[]
}

/**
 * Joins the groups' offsets with the ends of the partitions. A partition of a topic that is read,
 * without an offset as yet, has not been read at all.
 */
export function groupStates(
  groups: readonly GroupInfo[],
  topics: readonly TopicInfo[],
): GroupState[] {
  const ends = new Map<string, TopicInfo['partitions'][number]>()
  for (const topic of topics) {
    for (const part of topic.partitions) ends.set(`${topic.name}/${part.partition}`, part)
  }
  return groups.map(({ group, owner, offsets }) => {
    const places = [...offsets, ...unread(offsets, topics)].toSorted(byPlace).map((place) => {
      const { topic, partition, offset } = place
      const part = ends.get(`${topic}/${partition}`)
      const endOffset = Math.max(part?.endOffset ?? offset, offset)
      // What retention has deleted cannot be read any more.
      const lag = endOffset - Math.max(offset, Math.min(part?.startOffset ?? 0, endOffset))
      return { topic, partition, offset, endOffset, lag }
    })
    return { group, owner, lag: places.reduce((sum, place) => sum + place.lag, 0), offsets: places }
  })
}

type Place = GroupInfo['offsets'][number]

function unread(offsets: readonly Place[], topics: readonly TopicInfo[]): Place[] {
  const read = new Set(offsets.map(({ topic }) => topic))
  const known = new Set(offsets.map(({ topic, partition }) => `${topic}/${partition}`))
  return topics
    .filter(({ name }) => read.has(name))
    .flatMap(({ name, partitions }) =>
      partitions
        .filter(({ partition }) => !known.has(`${name}/${partition}`))
        .map((part) => ({ topic: name, partition: part.partition, offset: part.startOffset })),
    )
}

function byPlace(a: Place, b: Place): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
