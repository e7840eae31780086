/** A member as the model coordinator knows it. */
import type { JoinGroupAnswer } from '../wire/requests/join-group.ts'
import type { SyncGroupAnswer } from '../wire/requests/sync-group.ts'

export const nothing: Buffer = Buffer.alloc(0)

export interface ModelMember {
  id: string
  readonly instanceId: string | null
  metadata: Buffer
  sessionMs: number
  rebalanceMs: number
  join: ((answer: JoinGroupAnswer) => void) | null
  sync: ((answer: SyncGroupAnswer) => void) | null
  cancelSession: () => void
  assignment: Buffer
}

export function newMember(id: string, instanceId: string | null): ModelMember {
  return {
    id,
    instanceId,
    metadata: nothing,
    sessionMs: 0,
    rebalanceMs: 0,
    join: null,
    sync: null,
    cancelSession: () => {},
    assignment: nothing,
  }
}

export function refusedJoin(code: number, memberId: string): JoinGroupAnswer {
  return {
    code,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}
