/** Who is in a group, as text for people. */
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { consumerGroupDescribe } from '../wire/requests/consumer-group-describe.ts'
import { describeGroups } from '../wire/requests/describe-groups.ts'
import type { GroupMember } from '../wire/requests/describe-groups.ts'
import { streamsGroupDescribe } from '../wire/requests/streams-group-describe.ts'
import { retrying } from '../wire/retrying.ts'
import { everyGroup } from './every-group.ts'
import type { KnownGroup } from './every-group.ts'
import { checkGroupCode } from './group-codes.ts'

const limitMs = 30_000
/** An id that a process has made for itself tells people nothing. */
const generated = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** More are only counted. */
const namedMax = 3

const describers = {
  classic: describeGroups,
  consumer: consumerGroupDescribe,
  streams: streamsGroupDescribe,
} as const

/** By group; groups without members are absent. */
export async function ownersOf(
  cluster: Cluster,
  isWanted: (group: string) => boolean,
): Promise<ReadonlyMap<string, string>> {
  // A group may move while it is asked for: then all begins anew.
  const ask = async (): Promise<ReadonlyMap<string, string>> =>
    describeOnce(
      cluster,
      (await everyGroup(cluster)).filter(({ group }) => isWanted(group)),
    )
  return await retrying(ask, { clock: cluster.clock, limitMs })
}

async function describeOnce(
  cluster: Cluster,
  groups: readonly KnownGroup[],
): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>()
  const busy = groups.filter(({ state }) => state !== 'empty' && state !== 'dead')
  const kinds = Map.groupBy(busy, ({ node, type }) => `${node} ${type}`)
  for (const some of kinds.values()) {
    const [{ node, type } = { node: -1, type: '' }] = some
    const describer = isKind(type) ? describers[type] : describeGroups
    const names = some.map(({ group }) => group)
    const described = await cluster.send({ node }, describer, { groups: names })
    for (const { group, code, members } of described) {
      // Deleted meanwhile, or made anew as a group of another kind.
      if (code === errorCode.groupIdNotFound) continue
      checkGroupCode(cluster, code, {
        group,
        failed: `the members of group '${group}' cannot be read`,
        operation: 'Describe',
      })
      // Its state said that somebody was there.
      owners.set(group, membersText(members) ?? 'members that come or go')
    }
  }
  return owners
}

/** null: nobody. */
export async function ownerOf(cluster: Cluster, group: string): Promise<string | null> {
  return (await ownersOf(cluster, (one) => one === group)).get(group) ?? null
}

/**
 * `2 × worker at 10.0.0.7, worker at 10.0.0.8 (instance a), and 2 more`. Equal ones are counted, as
 * several processes of a machine look the same. null: no members
 */
export function membersText(members: readonly GroupMember[]): string | null {
  if (members.length === 0) return null
  const counts = new Map<string, number>()
  for (const { clientId, host, instanceId } of members) {
    const isNamed = instanceId !== null && !generated.test(instanceId)
    const instance = isNamed ? ` (instance ${instanceId})` : ''
    const text = `${clientId} at ${host.replace(/^\//, '')}${instance}`
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const sorted = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const texts = sorted.map(([text, count]) => (count === 1 ? text : `${count} × ${text}`))
  const rest = sorted.slice(namedMax).reduce((sum, [, count]) => sum + count, 0)
  const named = texts.slice(0, namedMax).join(', ')
  return rest > 0 ? `${named}, and ${rest} more` : named
}

function isKind(type: string): type is keyof typeof describers {
  return Object.hasOwn(describers, type)
}
