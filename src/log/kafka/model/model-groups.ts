/** The groups of a cluster: their members, and the offsets they have committed. */
import type { Clock } from '../../../core/clock.ts'
import type { MemberIdentity, OffsetToCommit } from '../contracts.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { DescribedGroup } from '../wire/requests/describe-groups.ts'
import type { JoinGroupRequest, JoinGroupAnswer } from '../wire/requests/join-group.ts'
import type { LeaveGroupAnswer, LeaveGroupRequest } from '../wire/requests/leave-group.ts'
import type { ListedGroup } from '../wire/requests/list-groups.ts'
import type { CommittedOffset, OffsetCommitRequest } from '../wire/requests/offset-commit.ts'
import type { FetchedGroup, OffsetFetchRequest } from '../wire/requests/offset-fetch.ts'
import type { TxnOffsetCommitRequest } from '../wire/requests/txn-offset-commit.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { GroupOffsets } from './group-offsets.ts'

interface Group {
  readonly members: GroupCoordinator
  readonly offsets: GroupOffsets
}

export interface ModelGroupsOptions {
  readonly clock: Clock
  readonly hasPartition: (place: { readonly topic: string; readonly partition: number }) => boolean
}

const outsider: MemberIdentity = { generation: -1, memberId: '', instanceId: null }

const c = errorCode

export class ModelGroups {
  readonly #options: ModelGroupsOptions
  readonly #groups = new Map<string, Group>()

  constructor(options: ModelGroupsOptions) {
    this.#options = options
  }

  get names(): readonly string[] {
    return [...this.#groups].flatMap(([name, group]) => (isThere(group) ? name : []))
  }

  offsetsOf(name: string): GroupOffsets {
    return this.#of(name).offsets
  }

  membersOf(name: string): GroupCoordinator {
    return this.#of(name).members
  }

  #of(name: string): Group {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const members = new GroupCoordinator(this.#options.clock)
    const group = { members, offsets: new GroupOffsets() }
    this.#groups.set(name, group)
    return group
  }

  join(request: JoinGroupRequest): Promise<JoinGroupAnswer> {
    return this.#of(request.group).members.join(request)
  }

  leave(request: LeaveGroupRequest): LeaveGroupAnswer {
    const codes = this.#of(request.group).members.leave(request)
    const members = request.members.map(({ memberId, instanceId }, i) => ({
      memberId,
      instanceId,
      code: codes[i] ?? c.unknownMemberId,
    }))
    return { code: c.none, members }
  }

  commit({ group, offsets, member }: OffsetCommitRequest): CommittedOffset[] {
    const found = this.#of(group)
    const code = found.members.judge(member ?? outsider, false)
    return this.#each(offsets, code, (one) => found.offsets.commit(one))
  }

  commitInTransaction(request: TxnOffsetCommitRequest): CommittedOffset[] {
    const { members, offsets } = this.#of(request.group)
    const code = members.judge(request, true)
    return this.#each(request.offsets, code, (one) => offsets.pend(request, one))
  }

  #each(
    offsets: readonly OffsetToCommit[],
    code: number,
    take: (offset: OffsetToCommit) => number,
  ): CommittedOffset[] {
    return offsets.map((one) => {
      const { topic, partition } = one
      if (code !== c.none) return { topic, partition, code }
      if (!this.#options.hasPartition(one)) {
        return { topic, partition, code: c.unknownTopicOrPartition }
      }
      return { topic, partition, code: take(one) }
    })
  }

  fetch({ groups, requireStable }: OffsetFetchRequest): FetchedGroup[] {
    return groups.map(({ group, places }) => ({
      group,
      code: c.none,
      offsets: this.#of(group).offsets.fetch(places, requireStable),
    }))
  }

  list(isWanted: (group: string) => boolean): ListedGroup[] {
    return this.names.filter(isWanted).map((group) => {
      const { state } = this.#of(group).members
      return { group, state: state === 'preparing' ? 'preparingrebalance' : state, type: 'classic' }
    })
  }

  describe(groups: readonly string[]): DescribedGroup[] {
    return groups.map((group) => ({
      group,
      code: c.none,
      members: this.#of(group).members.members,
    }))
  }

  delete(name: string): number {
    const group = this.#groups.get(name)
    if (group === undefined || !isThere(group)) return c.groupIdNotFound
    if (group.members.state !== 'empty') return c.nonEmptyGroup
    this.#groups.delete(name)
    return c.none
  }

  /** A topic was deleted. */
  forget(topic: string): void {
    for (const { offsets } of this.#groups.values()) offsets.forget(topic)
  }
}

/** One that never was, or that nothing is left of, is not. */
function isThere({ members, offsets }: Group): boolean {
  return members.state !== 'empty' || !offsets.isEmpty
}
