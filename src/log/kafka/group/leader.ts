/** The duties of the member that leads: JoinGroup's list of members in, SyncGroup's list out. */
import type { JoinGroupAnswer } from '../wire/requests/join-group.ts'
import type { SyncGroupRequest } from '../wire/requests/sync-group.ts'
import { lead } from './lead.ts'
import type { MemberOptions } from './member-options.ts'
import type { PlanShape } from './plan-shape.ts'
import { decodeSubscription, encodeAssignment, type Encoding } from './subscription.ts'

export class Leader {
  readonly #options: Pick<MemberOptions, 'infos' | 'standbys'>
  readonly #plan: PlanShape
  readonly #encoding: Encoding
  /** What each instance id was given last. */
  #given: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(
    options: Pick<MemberOptions, 'infos' | 'standbys'>,
    plan: PlanShape,
    encoding: Encoding,
  ) {
    this.#options = options
    this.#plan = plan
    this.#encoding = encoding
  }

  /** @returns everybody's; none where another one leads */
  assignments(joined: JoinGroupAnswer): SyncGroupRequest['assignments'] {
    if (joined.leader !== joined.memberId || joined.skipAssignment) return []
    const members = joined.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      instanceId,
      subscription: decodeSubscription(metadata),
    }))
    const { infos, standbys: copies } = this.#options
    const leader = joined.memberId
    const result = lead(members, { leader, infos, plan: this.#plan, copies, given: this.#given })
    this.#given = new Map(
      members.flatMap(({ memberId, instanceId }) =>
        instanceId === null ? [] : [[instanceId, result.get(memberId)?.tasks ?? []] as const],
      ),
    )
    return [...result].map(([memberId, assignment]) => ({
      memberId,
      assignment: encodeAssignment(assignment, this.#encoding),
    }))
  }
}
