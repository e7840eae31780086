/** Becoming a member of a group: which of a pipeline's tasks this process runs. */
import { systemRandom, uuid } from '../../../core/random.ts'
import type { GroupMembership, Ownership } from '../contracts.ts'
import { ClassicMember } from './classic-member.ts'
import { setStandbys } from './group-settings.ts'
import { HeldTasks } from './held-tasks.ts'
import type { Member, MemberOptions } from './member-options.ts'
import { needStreams, StreamsMember } from './streams-member.ts'
import { topologyOf } from './streams-topology.ts'

type Required = 'cluster' | 'clock' | 'group' | 'infos' | 'instanceId'

export interface JoinGroupOptions
  extends Pick<MemberOptions, Required>, Partial<Omit<MemberOptions, Required>> {
  /** Default: classic, which every broker speaks. */
  readonly protocol?: 'classic' | 'streams'
}

export const groupDefaults: Omit<MemberOptions, Required> = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  heartbeatMs: 500,
  standbys: 0,
  warm: () => [],
  onStandbys: () => {},
  notify: () => {},
}

/**
 * Resolves with the first assignment, which may be empty: other members may own all.
 * @throws `invalid-plan` (the group's members have other tasks) · `task-fenced` (the instance id is
 * another process's) · `log-unsupported` · `not-authorised` · `invalid-argument` (session time-out,
 * name) · `log-unreachable`
 */
export async function joinGroup(options: JoinGroupOptions): Promise<GroupMembership> {
  const { protocol = 'classic', ...given } = options
  const all: MemberOptions = { ...groupDefaults, ...given }
  const held = new HeldTasks({
    clock: all.clock,
    tasks: all.infos.map(({ task }) => task),
    handOverMs: all.rebalanceTimeoutMs,
    notify: all.notify,
  })
  const member =
    protocol === 'classic' ? new ClassicMember(all, held) : await streamsMember(all, held)
  try {
    await member.joined
  } catch (thrown) {
    await member.leave()
    throw thrown
  }
  return membershipOf(member, held)
}

async function streamsMember(options: MemberOptions, held: HeldTasks): Promise<Member> {
  const topology = topologyOf(options.group, options.infos)
  await needStreams(options)
  const { cluster, group, standbys } = options
  if (standbys > 0) await setStandbys(cluster, group, standbys)
  const memberId = options.instanceId ?? uuid(systemRandom)
  return new StreamsMember(options, held, { memberId, topology })
}

function membershipOf(member: Member, held: HeldTasks): GroupMembership {
  return {
    get owned() {
      return member.identity() === null ? [] : held.owned
    },
    get standbys() {
      return member.standbys
    },
    get rejoins() {
      return member.rejoins
    },
    onChange: (tell) => held.onChange(tell),
    ownership: (task) => ownershipOf(task, member, held),
    confirm: async (task) => (await member.verify(() => held.owns(task))) && held.owns(task),
    leave: () => member.leave(),
    describe: () => {
      const standbys = member.standbys.length === 0 ? '' : `, ${member.standbys.length} standbys`
      return `${member.describe()}, ${held.owned.length} tasks${standbys}`
    },
  }
}

function ownershipOf(task: string, member: Member, held: HeldTasks): Ownership {
  const identity = (): ReturnType<Ownership['identity']> =>
    held.holds(task) ? member.identity() : null
  return {
    identity,
    settled: async () => {
      await member.verify(() => held.holds(task))
      return identity()
    },
  }
}
