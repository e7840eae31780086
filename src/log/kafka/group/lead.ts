/**
 * The leader's part of a rebalance: from what the members say to what each gets. Cooperative: a
 * task that shall move is first only taken from its owner; nobody gets it before the owner, having
 * closed it, has joined again without it. So no task is ever with two members.
 */
import type { TaskInfo } from '../../log.ts'
import { shapeDifference, type PlanShape } from './plan-shape.ts'
import { shareOut, type ShareMember, type Shares } from './share-out.ts'
import type { Assignment, Subscription } from './subscription.ts'

export interface LedMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** null: it could not be read. */
  readonly subscription: Subscription | null
}

export interface LeadOptions {
  /** The leader's own member id. */
  readonly leader: string
  readonly infos: readonly TaskInfo[]
  readonly plan: PlanShape
  /** Standby copies of each stateful task. */
  readonly copies: number
  /** What this leader gave last to each instance id: a restarted process gets it back. */
  readonly given: ReadonlyMap<string, readonly string[]>
}

type Known = LedMember & { readonly subscription: Subscription }

/** @returns an assignment for each member */
export function lead(
  members: readonly LedMember[],
  options: LeadOptions,
): ReadonlyMap<string, Assignment> {
  const known = members.filter((member): member is Known => member.subscription !== null)
  const plan = planOfGroup(known, options)
  const result = new Map<string, Assignment>()
  const welcome: Known[] = []
  for (const member of members) {
    const { subscription, memberId } = member
    if (subscription?.plan.hash === plan.hash) welcome.push({ ...member, subscription })
    else result.set(memberId, refusal(subscription, plan))
  }
  if (plan.hash !== options.plan.hash) {
    // This leader does not know the others' tasks. It goes; until then nothing moves.
    for (const { memberId, subscription } of welcome) result.set(memberId, asBefore(subscription))
    return result
  }
  const owners = ownersOf(welcome)
  const leaving = new Set(welcome.flatMap(({ subscription }) => subscription.leaving))
  const shares = shareOut(
    options.infos,
    welcome.map((member) => shareMember(member, owners, leaving, options)),
    options.copies,
  )
  for (const { memberId, subscription } of welcome)
    result.set(memberId, turn(memberId, subscription, { shares, owners, leaving, plan }))
  return result
}

/**
 * The one whose members own most tasks, else have most members, else the leader's: a newcomer with
 * other tasks is refused, not those at work.
 */
function planOfGroup(members: readonly Known[], { leader, plan }: LeadOptions): PlanShape {
  let best = plan
  let bestRank = [-1, -1, -1]
  for (const { subscription } of members) {
    const same = members.filter((one) => one.subscription.plan.hash === subscription.plan.hash)
    const rank = [
      same.reduce((sum, one) => sum + one.subscription.owned.length, 0),
      same.length,
      same.some((one) => one.memberId === leader) ? 1 : 0,
    ]
    const at = rank.findIndex((value, i) => value !== bestRank[i])
    if (at === -1 || (rank[at] ?? 0) < (bestRank[at] ?? 0)) continue
    best = subscription.plan
    bestRank = rank
  }
  return best
}

function refusal(subscription: Subscription | null, plan: PlanShape): Assignment {
  const refused =
    subscription === null
      ? 'its version of Millrace is not understood by the members at work'
      : shapeDifference(subscription.plan, plan)
  return { plan: plan.hash, tasks: [], standbys: [], revoke: [], refused }
}

function asBefore({ plan, owned, standbys }: Subscription): Assignment {
  return { plan: plan.hash, tasks: owned, standbys, revoke: [], refused: null }
}

/** Task → member id. Where two say they own it, the later generation is right. */
function ownersOf(members: readonly Known[]): Map<string, string> {
  const owners = new Map<string, string>()
  const since = new Map<string, number>()
  for (const { memberId, subscription } of members) {
    for (const task of subscription.owned) {
      if (subscription.generation <= (since.get(task) ?? Number.NEGATIVE_INFINITY)) continue
      owners.set(task, memberId)
      since.set(task, subscription.generation)
    }
  }
  return owners
}

function shareMember(
  { memberId, instanceId, subscription }: Known,
  owners: ReadonlyMap<string, string>,
  leaving: ReadonlySet<string>,
  { given }: LeadOptions,
): ShareMember {
  const owned = subscription.owned.filter((task) => owners.get(task) === memberId)
  const before = instanceId === null ? [] : (given.get(instanceId) ?? [])
  const back = before.filter((task) => !owners.has(task) && !leaving.has(task))
  return {
    // Members without an instance id come in the order of their ids, which is as good as any.
    id: memberId,
    holds: [...owned, ...back],
    warm: [...subscription.warm, ...subscription.standbys],
    standbys: subscription.standbys,
  }
}

interface Turn {
  readonly shares: Shares
  readonly owners: ReadonlyMap<string, string>
  readonly leaving: ReadonlySet<string>
  readonly plan: PlanShape
}

function turn(memberId: string, said: Subscription, { shares, owners, ...rest }: Turn): Assignment {
  const wished = shares.active.get(memberId) ?? []
  const isFree = (task: string): boolean => !owners.has(task) && !rest.leaving.has(task)
  const tasks = wished.filter((task) => owners.get(task) === memberId || isFree(task))
  const held = new Set([...said.owned, ...said.leaving])
  return {
    plan: rest.plan.hash,
    tasks,
    standbys: (shares.standbys.get(memberId) ?? []).filter((task) => !held.has(task)),
    revoke: [...held].filter((task) => !tasks.includes(task)),
    refused: null,
  }
}
