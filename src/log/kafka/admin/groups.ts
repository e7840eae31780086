/**
 * Groups as `Log` has them: what Millrace keeps in groups of its own is shown under the pipeline it
 * belongs to, or not at all (names.ts).
 */
import { MillraceError } from '../../../core/error.ts'
import type { GroupInfo, GroupOffset, TopicPartition } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { deleteGroups } from '../wire/requests/delete-groups.ts'
import { offsetCommit } from '../wire/requests/offset-commit.ts'
import { retrying } from '../wire/retrying.ts'
import { dropTopic } from './change-topics.ts'
import { everyGroup, offsetsOfGroups } from './every-group.ts'
import type { GroupWithOffsets } from './every-group.ts'
import { checkGroupCode } from './group-codes.ts'
import { ownerOf, ownersOf } from './group-owners.ts'
import { isChangelog } from './changelog-settings.ts'
import { isChangelogOf, isStampGroup, pipelineOfGroup } from './names.ts'
import { checkPlaces, placeKey } from './places.ts'
import { topicSettings } from './topic-infos.ts'

const limitMs = 30_000

/** As `Log.groups`. */
export async function listAllGroups(cluster: Cluster): Promise<GroupInfo[]> {
  const found = await offsetsOfGroups(cluster, null, ({ group }) => !isStampGroup(group))
  const byName = Map.groupBy(found, ({ group }) => pipelineOfGroup(group))
  // A pipeline whose offsets are all its tasks' still has its members in its own group.
  const owners = await ownersOf(cluster, (group) => byName.has(group))
  return [...byName]
    .map(([group, parts]) => ({
      group,
      offsets: mergedOffsets(group, parts),
      owner: owners.get(group) ?? null,
    }))
    .filter(({ offsets }) => offsets.length > 0)
    .toSorted((a, b) => compare(a.group, b.group))
}

/**
 * What its tasks have committed themselves counts, the slowest of them; the pipeline's own offset
 * of such a partition was only their start.
 */
export function mergedOffsets(
  pipeline: string,
  parts: readonly Pick<GroupWithOffsets, 'group' | 'offsets'>[],
): GroupOffset[] {
  const own = new Map<string, GroupOffset>()
  const tasks = new Map<string, GroupOffset>()
  for (const { group, offsets } of parts) {
    const places = group === pipeline ? own : tasks
    for (const { topic, partition, offset } of offsets) {
      if (isChangelogOf(pipeline, topic)) continue
      const key = placeKey({ topic, partition })
      if (offset < (places.get(key)?.offset ?? Infinity)) {
        places.set(key, { topic, partition, offset })
      }
    }
  }
  const merged = new Map([...own, ...tasks])
  return [...merged.values()].toSorted(
    (a, b) => compare(a.topic, b.topic) || a.partition - b.partition,
  )
}

/** As `Log.commitGroup`. */
export async function commitToGroup(
  cluster: Cluster,
  group: string,
  offsets: readonly GroupOffset[],
): Promise<void> {
  if (offsets.length === 0) return
  // Brokers take offsets of a group without a name, but can never delete it.
  if (group === '') {
    const hint = 'give it a name'
    throw new MillraceError('invalid-argument', "'' cannot be the name of a group", { hint })
  }
  await checkPlaces(cluster, offsets)
  // Of a partition that is named twice the last one counts.
  const distinct = [...new Map(offsets.map((place) => [placeKey(place), place])).values()]
  await commitOffsets(cluster, group, group, distinct)
  const isTask = (name: string): boolean => name !== group && pipelineOfGroup(name) === group
  const tasks = await offsetsOfGroups(cluster, distinct, (one) => isTask(one.group))
  for (const task of tasks) {
    const held = new Set(task.offsets.map(placeKey))
    const moved = distinct.filter((place) => held.has(placeKey(place)))
    await commitOffsets(cluster, group, task.group, moved)
  }
}

async function commitOffsets(
  cluster: Cluster,
  pipeline: string,
  group: string,
  offsets: readonly GroupOffset[],
): Promise<void> {
  const places = offsets.map(({ topic, partition, offset }) => ({
    topic,
    partition,
    offset,
    metadata: '',
  }))
  const commit = async (): Promise<void> => {
    const results = await cluster.send({ group }, offsetCommit, { group, offsets: places })
    for (const { topic, partition, code } of results) {
      checkGroupCode(cluster, code, {
        group,
        failed: `offsets of group '${group}' cannot be set`,
        operation: 'Read',
        at: { topic, partition },
      })
    }
  }
  await sayingWho(cluster, pipeline, () => retrying(commit, { clock: cluster.clock, limitMs }))
}

/**
 * As `Log.deleteGroup`. The group goes first, which the brokers refuse while it has members; then
 * the groups of its tasks and its changelogs: topics with the name and the settings of one. Where
 * it fails in between, do it again.
 */
export async function forgetGroup(cluster: Cluster, group: string): Promise<void> {
  const isTask = (name: string): boolean => name !== group && pipelineOfGroup(name) === group
  await sayingWho(cluster, group, () => deleteOne(cluster, group))
  for (const topic of await changelogsOf(cluster, group)) await dropTopic(cluster, topic)
  for (const task of await everyGroup(cluster)) {
    if (isTask(task.group)) {
      await sayingWho(cluster, group, () => deleteOne(cluster, task.group))
    }
  }
}

async function changelogsOf(cluster: Cluster, pipeline: string): ReturnType<Cluster['allTopics']> {
  const named = (await cluster.allTopics()).filter(({ name }) => isChangelogOf(pipeline, name))
  if (named.length === 0) return []
  const settings = await topicSettings(
    cluster,
    named.map(({ name }) => name),
  )
  return named.filter(({ name }) => isChangelog(settings.get(name) ?? new Map()))
}

async function deleteOne(cluster: Cluster, group: string): Promise<void> {
  const remove = async (): Promise<void> => {
    const { code } = await cluster.send({ group }, deleteGroups, group)
    if (code === errorCode.groupIdNotFound) return
    checkGroupCode(cluster, code, {
      group,
      failed: `group '${group}' cannot be deleted`,
      operation: 'Delete',
    })
  }
  await retrying(remove, { clock: cluster.clock, limitMs })
}

/** `pipeline-running` with the name of who runs it. */
async function sayingWho<R>(
  cluster: Cluster,
  pipeline: string,
  work: () => Promise<R>,
): Promise<R> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof MillraceError) || thrown.code !== 'pipeline-running') throw thrown
    const owner = (await ownerOf(cluster, pipeline).catch(() => null)) ?? 'another process'
    const text = `pipeline '${pipeline}' is run by ${owner}`
    throw new MillraceError('pipeline-running', text, {
      at: { pipeline },
      hint: 'stop the processes that run it',
      cause: thrown,
    })
  }
}

/**
 * Resolves when no group holds offsets of the partitions any more: brokers forget those of a
 * deleted topic soon after it.
 * @param groups that held some
 */
export async function offsetsForgotten(
  cluster: Cluster,
  places: readonly TopicPartition[],
  groups: readonly string[],
): Promise<'forgotten' | 'held'> {
  const endMs = cluster.clock.monotonic() + limitMs
  let left: readonly string[] = groups
  while (left.length > 0) {
    const names: ReadonlySet<string> = new Set(left)
    const holding = await offsetsOfGroups(cluster, places, ({ group }) => names.has(group))
    left = holding.map(({ group }) => group)
    if (left.length === 0) break
    if (cluster.clock.monotonic() > endMs) return 'held'
    await new Promise<void>((resolve) => cluster.clock.after(20, resolve))
  }
  return 'forgotten'
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
