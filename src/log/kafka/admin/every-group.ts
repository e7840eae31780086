/** All groups of the brokers, with the offsets they hold. */
import type { TopicPartition } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { listGroups } from '../wire/requests/list-groups.ts'
import type { ListedGroup } from '../wire/requests/list-groups.ts'
import { metadata } from '../wire/requests/metadata.ts'
import { offsetFetch } from '../wire/requests/offset-fetch.ts'
import type { FetchedOffset } from '../wire/requests/offset-fetch.ts'
import { retrying, TryAgain } from '../wire/retrying.ts'
import { checkGroupCode } from './group-codes.ts'
import { refusal } from './refusal.ts'

const limitMs = 30_000
/** Asked for in one request. */
const groupsMax = 100

export interface KnownGroup extends ListedGroup {
  /** The broker that coordinates it. */
  readonly node: number
}

export interface GroupWithOffsets extends KnownGroup {
  readonly offsets: readonly FetchedOffset[]
}

/** Those that have offsets: share groups have none. */
export async function everyGroup(cluster: Cluster): Promise<KnownGroup[]> {
  return await retrying(() => listOnce(cluster), { clock: cluster.clock, limitMs })
}

/**
 * Groups that hold offsets of these partitions, and those offsets; null: of any.
 * @param isWanted which groups to ask about
 */
export async function offsetsOfGroups(
  cluster: Cluster,
  places: readonly TopicPartition[] | null,
  isWanted: (group: KnownGroup) => boolean,
): Promise<GroupWithOffsets[]> {
  // A group may move while it is asked for: then all begins anew.
  const ask = async (): Promise<GroupWithOffsets[]> => {
    const groups = (await listOnce(cluster)).filter(isWanted)
    const found = await fetchOffsets(cluster, groups, places)
    return found.filter(({ offsets }) => offsets.length > 0)
  }
  return await retrying(ask, { clock: cluster.clock, limitMs })
}

async function listOnce(cluster: Cluster): Promise<KnownGroup[]> {
  // Asked anew: one that has died is named until the others have noticed, about 10 s.
  const { brokers } = await cluster.send('any', metadata, { topics: [] })
  const lists = await Promise.all(
    brokers.map(async ({ node }) => {
      const { code, groups } = await cluster.send({ node }, listGroups, null)
      if (code !== errorCode.none) {
        const asked = { failed: 'the groups cannot be listed', right: 'Describe on the cluster' }
        throw new TryAgain(refusal(code, asked))
      }
      return groups.map((group) => ({ ...group, node }))
    }),
  )
  return lists.flat().filter(({ type }) => type !== 'share')
}

async function fetchOffsets(
  cluster: Cluster,
  groups: readonly KnownGroup[],
  places: readonly TopicPartition[] | null,
): Promise<GroupWithOffsets[]> {
  const found: GroupWithOffsets[] = []
  for (const [node, own] of Map.groupBy(groups, (group) => group.node)) {
    for (let from = 0; from < own.length; from += groupsMax) {
      const asked = own.slice(from, from + groupsMax)
      const answer = await cluster.send({ node }, offsetFetch, {
        groups: asked.map(({ group }) => ({ group, places })),
        requireStable: false,
      })
      const byName = new Map(answer.map((one) => [one.group, one]))
      for (const group of asked) {
        const { code, offsets } = byName.get(group.group) ?? { code: 0, offsets: [] }
        // Deleted meanwhile.
        if (code === errorCode.groupIdNotFound) continue
        checkGroupCode(cluster, code, {
          group: group.group,
          failed: `the offsets of group '${group.group}' cannot be read`,
          operation: 'Describe',
        })
        const held = offsets.filter((one) => one.code === errorCode.none && one.offset >= 0)
        found.push({ ...group, offsets: held })
      }
    }
  }
  return found
}
