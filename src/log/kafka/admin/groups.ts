/** Groups of a cluster: their offsets and who holds them. */
import { MillraceError } from '../../../core/error.ts'
import type { GroupInfo, GroupOffset } from '../../log.ts'
import { aboveEnd } from '../fetch/fetcher.ts'
import type { Cluster } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { deleteGroups } from '../wire/requests/delete-groups.ts'
import { describeGroups } from '../wire/requests/describe-groups.ts'
import { listGroups } from '../wire/requests/list-groups.ts'
import { offsetCommit } from '../wire/requests/offset-commit.ts'
import { isTransient, retrying, TryAgain } from '../wire/retrying.ts'
import { allOffsets } from './committed-offsets.ts'
import { isChangelogOf, isStampGroup, pipelineOfGroup } from './names.ts'
import type { KafkaTopics } from './topics.ts'

const limitMs = 30_000

export class KafkaGroups {
  readonly #cluster: Cluster
  readonly #topics: KafkaTopics

  constructor(cluster: Cluster, topics: KafkaTopics) {
    this.#cluster = cluster
    this.#topics = topics
  }

  async list(): Promise<GroupInfo[]> {
    const merged = new Map<string, Map<string, GroupOffset>>()
    const topics = new Set((await this.#cluster.allTopics()).map(({ name }) => name))
    for (const name of await this.#names()) {
      if (isStampGroup(name)) continue
      const pipeline = pipelineOfGroup(name)
      const places = merged.get(pipeline) ?? new Map<string, GroupOffset>()
      merged.set(pipeline, places)
      for (const { topic, partition, offset } of await allOffsets(this.#cluster, name)) {
        // The offsets of a deleted topic are forgotten some time later.
        if (isChangelogOf(pipeline, topic) || !topics.has(topic)) continue
        const key = `${partition} ${topic}`
        const other = places.get(key)
        // Two tasks may read one partition; the pipeline is as far as the slower one.
        if (other === undefined || offset < other.offset) {
          places.set(key, { topic, partition, offset })
        }
      }
    }
    const infos: GroupInfo[] = []
    for (const [group, places] of merged) {
      if (places.size === 0) continue
      const offsets = [...places.values()].toSorted(byPlace)
      infos.push({ group, offsets, owner: await this.#owner(group) })
    }
    return infos.toSorted((a, b) => (a.group < b.group ? -1 : 1))
  }

  async #names(): Promise<string[]> {
    const brokers = await this.#cluster.brokers()
    const found = await Promise.all(
      brokers.map(async ({ node }) => this.#cluster.send({ node }, listGroups, null)),
    )
    return [...new Set(found.flatMap(({ groups }) => groups))]
  }

  async #owner(group: string): Promise<string | null> {
    const [found] = await this.#cluster.send({ group }, describeGroups, [group])
    const members = found?.members ?? []
    if (members.length === 0) return null
    const [first] = members
    const who = `${first?.instanceId ?? first?.clientId ?? ''} at ${first?.host ?? ''}`
    return members.length === 1 ? who : `${members.length} members, among them ${who}`
  }

  /** @throws `pipeline-running` · what a wrong place throws */
  async commit(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    for (const place of offsets) {
      const { partitions } = await this.#topics.describe(place.topic)
      const part = partitions[place.partition]
      if (part === undefined) {
        const text = `topic '${place.topic}' has no partition ${place.partition}`
        throw new MillraceError('unknown-partition', text, { at: place })
      }
      if (place.offset > part.endOffset) throw aboveEnd(place, place.offset, part.endOffset)
    }
    // Without members anybody could commit, as long as none joins; a group with some refuses.
    await this.#checkNotRunning(group)
    const request = {
      group,
      generation: -1,
      memberId: '',
      instanceId: null,
      offsets: offsets.map(({ topic, partition, offset }) => ({
        topic,
        partition,
        offset,
        metadata: '',
      })),
    }
    const ask = async (): Promise<void> => {
      const answers = await this.#cluster.send({ group }, offsetCommit, request)
      for (const { code } of answers) this.#judge(code, group)
    }
    await retrying(ask, { clock: this.#cluster.clock, limitMs })
  }

  /** The group, those of its tasks, and their changelogs. @throws `pipeline-running` */
  async delete(group: string): Promise<void> {
    await this.#checkNotRunning(group)
    const names = (await this.#names()).filter((name) => pipelineOfGroup(name) === group)
    for (const name of names) {
      const ask = async (): Promise<void> => {
        const { code } = await this.#cluster.send({ group: name }, deleteGroups, name)
        if (code !== errorCode.groupIdNotFound) this.#judge(code, group)
      }
      await retrying(ask, { clock: this.#cluster.clock, limitMs })
    }
    const topics = await this.#cluster.allTopics()
    for (const { name } of topics) if (isChangelogOf(group, name)) await this.#topics.delete(name)
  }

  async #checkNotRunning(group: string): Promise<void> {
    const owner = await this.#owner(group)
    if (owner !== null) throw running(group, owner)
  }

  #judge(code: number, group: string): void {
    if (code === errorCode.none) return
    if (code === errorCode.notCoordinator) this.#cluster.forget({ group })
    const isRunning = code === errorCode.nonEmptyGroup || code === errorCode.unknownMemberId
    if (isRunning) throw running(group, 'its members')
    const text = `group '${group}' cannot be changed: ${codeName(code)}`
    if (isTransient(code)) throw new TryAgain(new MillraceError('log-unreachable', text))
    const isRight = code === errorCode.groupAuthorizationFailed
    throw new MillraceError(isRight ? 'not-authorised' : 'log-failed', text)
  }
}

function running(pipeline: string, owner: string): MillraceError {
  return new MillraceError('pipeline-running', `pipeline '${pipeline}' is run by ${owner}`, {
    at: { pipeline },
    hint: 'stop the other runs first',
  })
}

function byPlace(a: GroupOffset, b: GroupOffset): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1
}
