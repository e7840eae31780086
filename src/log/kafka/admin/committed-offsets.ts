/** The committed offsets of groups. */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { offsetFetch } from '../wire/requests/offset-fetch.ts'
import type { FetchedOffset } from '../wire/requests/offset-fetch.ts'
import { isTransient, retrying, TryAgain } from '../wire/retrying.ts'

export interface CommittedPlace {
  readonly offset: number
  readonly metadata: string
}

/** A transaction of a dead owner that nobody ends holds offsets back for up to its time-out. */
const limitMs = 90_000

/** One entry for each place, in order; null where nothing was committed. Waits for open transactions. */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  places: readonly TopicPartition[],
): Promise<(CommittedPlace | null)[]> {
  if (places.length === 0) return []
  const found = await fetchOffsets(cluster, group, places, true)
  return places.map(({ topic, partition }) => {
    const one = found.find((each) => each.topic === topic && each.partition === partition)
    return one === undefined || one.offset < 0 ? null : one
  })
}

/** All offsets of a group, as they are. */
export async function allOffsets(cluster: Cluster, group: string): Promise<FetchedOffset[]> {
  const found = await fetchOffsets(cluster, group, null, false)
  return found.filter(({ offset }) => offset >= 0)
}

async function fetchOffsets(
  cluster: Cluster,
  group: string,
  places: readonly TopicPartition[] | null,
  isStable: boolean,
): Promise<readonly FetchedOffset[]> {
  const ask = async (): Promise<readonly FetchedOffset[]> => {
    const answer = await cluster.send({ group }, offsetFetch, { group, places, isStable })
    const bad = answer.offsets.find(({ code }) => code !== errorCode.none)?.code
    const code = answer.code === errorCode.none ? (bad ?? errorCode.none) : answer.code
    if (code === errorCode.none || code === errorCode.groupIdNotFound) return answer.offsets
    if (code === errorCode.notCoordinator || code === errorCode.coordinatorNotAvailable) {
      cluster.forget({ group })
    }
    const text = `the offsets of group '${group}' cannot be read: ${codeName(code)}`
    if (isTransient(code)) throw new TryAgain(new MillraceError('log-unreachable', text))
    const isRight = code === errorCode.groupAuthorizationFailed
    throw new MillraceError(isRight ? 'not-authorised' : 'log-failed', text, {
      ...(isRight ? { hint: 'give this user the ACLs Describe and Read on the group' } : {}),
    })
  }
  return await retrying(ask, { clock: cluster.clock, limitMs, pauseMs: 10, pauseMsMax: 50 })
}
