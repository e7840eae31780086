/** Where partitions begin and end. */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { listOffsetsApi } from '../wire/requests/list-offsets.ts'
import { isTransient, retrying, TryAgain } from '../wire/retrying.ts'

/** `latest`: the last stable offset, up to which everything is decided. */
export type OffsetAt = 'earliest' | 'latest' | { readonly timeMs: number }

const limitMs = 30_000

/**
 * One offset for each place, in order; −1 where no record is as young as `timeMs`.
 * @throws `unknown-topic` · `unknown-partition` · `not-authorised` · `log-unreachable`
 */
export async function listOffsets(
  cluster: Cluster,
  places: readonly TopicPartition[],
  at: OffsetAt,
): Promise<number[]> {
  const timestamp =
    at === 'earliest' ? -2 : at === 'latest' ? -1 : Math.max(0, Math.ceil(at.timeMs))
  const found: (number | null)[] = places.map(() => null)
  await retrying(() => listMissing(cluster, places, timestamp, found), {
    clock: cluster.clock,
    limitMs,
  })
  return found.map((offset) => offset ?? -1)
}

async function listMissing(
  cluster: Cluster,
  places: readonly TopicPartition[],
  timestamp: number,
  found: (number | null)[],
): Promise<void> {
  const topics = await cluster.topics([...new Set(places.map(({ topic }) => topic))])
  const byLeader = new Map<number, number[]>()
  for (const [i, { topic, partition }] of places.entries()) {
    if (found[i] !== null) continue
    const meta = topics.get(topic)
    if (meta === undefined) throw unknownTopic(topic)
    const leader = meta.partitions[partition]?.leader
    if (leader === undefined) throw unknownPartition(topic, partition)
    const list = byLeader.get(leader) ?? []
    byLeader.set(leader, [...list, i])
  }
  let missing: MillraceError | null = null
  await Promise.all(
    [...byLeader].map(async ([node, indexes]) => {
      const asked = distinct(indexes.map((i) => places[i] as TopicPartition))
      const answer =
        node < 0
          ? asked.map((place) => ({ ...place, code: errorCode.leaderNotAvailable, offset: -1 }))
          : await cluster
              .send({ node }, listOffsetsApi, { places: asked, timestamp })
              .catch((thrown: unknown) => {
                // The leader may be another one now.
                for (const { topic } of asked) cluster.forget({ topic })
                throw thrown
              })
      for (const { topic, partition, code, offset } of answer) {
        const named = indexes.filter(
          (one) => places[one]?.topic === topic && places[one].partition === partition,
        )
        if (code === errorCode.none) for (const i of named) found[i] = offset
        else {
          cluster.forget({ topic })
          const error = failure(topic, partition, code)
          if (!isTransient(code)) throw error
          missing = error
        }
      }
    }),
  )
  if (missing !== null) throw new TryAgain(missing)
}

/** A request names each partition once. */
function distinct(places: readonly TopicPartition[]): TopicPartition[] {
  return [...new Map(places.map((place) => [`${place.partition} ${place.topic}`, place])).values()]
}

export function unknownTopic(topic: string): MillraceError {
  return new MillraceError('unknown-topic', `topic '${topic}' does not exist`, {
    at: { topic },
    hint: `create it: millrace topics create ${topic} --partitions 1`,
  })
}

export function unknownPartition(topic: string, partition: number): MillraceError {
  return new MillraceError('unknown-partition', `topic '${topic}' has no partition ${partition}`, {
    at: { topic, partition },
  })
}

function failure(topic: string, partition: number, code: number): MillraceError {
  const at = { topic, partition }
  if (code === errorCode.topicAuthorizationFailed) return notReadable(at)
  return new MillraceError('log-failed', `the broker gives no offsets: ${codeName(code)}`, { at })
}

export function notReadable(at: TopicPartition): MillraceError {
  return new MillraceError('not-authorised', `no right to read topic '${at.topic}'`, {
    at,
    hint: 'give this user the ACLs Describe and Read on the topic',
  })
}
