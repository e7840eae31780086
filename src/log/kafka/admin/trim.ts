/** Trimming: Kafka's DeleteRecords. */
import { MillraceError } from '../../../core/error.ts'
import type { GroupOffset } from '../../log.ts'
import { checkTrimmable } from '../../topic-rules.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { deleteRecords } from '../wire/requests/delete-records.ts'
import { isTransient, retrying, TryAgain } from '../wire/retrying.ts'
import { checkPlaces, placeKey } from './places.ts'
import { refusal } from './refusal.ts'
import { topicSettings } from './topic-infos.ts'
import { configOf } from './topic-settings.ts'

const limitMs = 30_000
/** For the replicas to follow; less than the time-out of a request. */
const timeoutMs = 8_000

/**
 * Moves the start of partitions up to the offsets. All is checked before anything is asked of a
 * broker; then the leader of each partition moves its own, so that a failure (`log-unreachable`,
 * `not-authorised`) may leave some moved and others not: do it again.
 */
export async function trimTopics(cluster: Cluster, offsets: readonly GroupOffset[]): Promise<void> {
  if (offsets.length === 0) return
  const metas = await checkPlaces(cluster, offsets)
  const settings = await topicSettings(cluster, [...metas.keys()])
  for (const place of offsets) {
    checkTrimmable(place, configOf(1, settings.get(place.topic) ?? new Map()))
  }
  // A partition may be named twice; its start never moves back.
  const left = new Map<string, GroupOffset>()
  for (const { topic, partition, offset } of offsets) {
    const key = placeKey({ topic, partition })
    if (offset > (left.get(key)?.offset ?? 0)) left.set(key, { topic, partition, offset })
  }
  await retrying(() => trimLeft(cluster, left), { clock: cluster.clock, limitMs })
}

/** Takes what is done out of `left`. */
async function trimLeft(cluster: Cluster, left: Map<string, GroupOffset>): Promise<void> {
  const places = [...left.values()]
  const topics = await cluster.topics([...new Set(places.map(({ topic }) => topic))])
  const leaderOf = ({ topic, partition }: GroupOffset): number =>
    topics.get(topic)?.partitions[partition]?.leader ?? -1
  let failure: unknown = null
  const byLeader = Map.groupBy(places, leaderOf)
  await Promise.all(
    [...byLeader].map(async ([node, list]) => {
      const answers =
        node < 0
          ? list.map((place) => ({ ...place, code: errorCode.leaderNotAvailable }))
          : await cluster
              .send({ node }, deleteRecords, { offsets: list, timeoutMs })
              .catch((thrown: unknown) => {
                // The leader may be another when it is tried again.
                for (const { topic } of list) cluster.forget({ topic })
                throw thrown
              })
      for (const { topic, partition, code } of answers) {
        if (code === errorCode.none) left.delete(placeKey({ topic, partition }))
        else failure = failureOf(cluster, { topic, partition, code })
      }
    }),
  )
  if (failure !== null) throw failure
}

function failureOf(
  cluster: Cluster,
  { topic, partition, code }: { topic: string; partition: number; code: number },
): MillraceError | TryAgain {
  const error = refusal(code, {
    failed: `${topic}/${partition} cannot be trimmed`,
    right: `Delete on topic ${topic}`,
    at: { topic, partition },
  })
  if (!isTransient(code)) return error
  cluster.forget({ topic })
  return new TryAgain(error)
}
