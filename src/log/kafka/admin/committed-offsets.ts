/** The offsets that one group has committed. */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { offsetFetch } from '../wire/requests/offset-fetch.ts'
import type { FetchedOffset } from '../wire/requests/offset-fetch.ts'
import { retrying, TryAgain } from '../wire/retrying.ts'
import { checkGroupCode } from './group-codes.ts'
import { placeKey } from './places.ts'

export interface CommittedPlace {
  readonly offset: number
  /** As it was committed; '' for none. */
  readonly metadata: string
}

export interface CommittedOptions {
  /**
   * Wait while an open transaction may yet change the offsets: what is given then is decided.
   * Default true.
   */
  readonly requireStable?: boolean
  /** Default 60,000: as long as a transaction that nobody ends may stay open. */
  readonly limitMs?: number
}

/**
 * One entry for each place, in order; null where nothing was committed.
 * @throws `not-authorised` · `log-busy` (a transaction has not ended in time) · `log-unreachable`
 */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  places: readonly TopicPartition[],
  { requireStable = true, limitMs = 60_000 }: CommittedOptions = {},
): Promise<(CommittedPlace | null)[]> {
  if (places.length === 0) return []
  const request = { groups: [{ group, places }], requireStable }
  const ask = async (): Promise<readonly FetchedOffset[]> => {
    const [found] = await cluster.send({ group }, offsetFetch, request)
    checkFetched(cluster, { group, code: found?.code ?? errorCode.unknownServerError, limitMs })
    for (const { topic, partition, code } of found?.offsets ?? []) {
      checkFetched(cluster, { group, code, at: { topic, partition }, limitMs })
    }
    return found?.offsets ?? []
  }
  const pace = { pauseMs: 20, pauseMsMax: 50 }
  const offsets = await retrying(ask, { clock: cluster.clock, limitMs, ...pace })
  const byPlace = new Map(offsets.map((one) => [placeKey(one), one]))
  return places.map((place) => {
    const one = byPlace.get(placeKey(place))
    if (one === undefined || one.offset < 0) return null
    return { offset: one.offset, metadata: one.metadata }
  })
}

function checkFetched(
  cluster: Cluster,
  result: { group: string; code: number; at?: TopicPartition; limitMs: number },
): void {
  const { group, code, at = {}, limitMs } = result
  // A group that is not known has committed nothing.
  if (code === errorCode.groupIdNotFound) return
  if (code === errorCode.unstableOffsetCommit) {
    const text = `an open transaction has held the offsets of group '${group}' for ${limitMs} ms`
    throw new TryAgain(
      new MillraceError('log-busy', text, {
        at,
        hint: 'it ends with its time-out; or stop the process that writes in it',
      }),
    )
  }
  checkGroupCode(cluster, code, {
    group,
    failed: `the offsets of group '${group}' cannot be read`,
    operation: 'Describe',
    at,
  })
}
