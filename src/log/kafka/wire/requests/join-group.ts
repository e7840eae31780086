/** JoinGroup: enter a group, or its next generation. Answered when the rebalance is complete. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface JoinGroupRequest {
  readonly group: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** '' at first; a dynamic member is told its id with error 79 and asks again. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly protocolType: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  /** For the broker's log. */
  readonly reason: string | null
}

export interface JoinGroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly metadata: Buffer
}

export interface JoinGroupAnswer {
  readonly code: number
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** Member id of the one who assigns. */
  readonly leader: string
  /** The leader came back in place of its old self: the assignment stays as it is. */
  readonly skipAssignment: boolean
  readonly memberId: string
  /** For the leader only; else empty. */
  readonly members: readonly JoinGroupMember[]
}

export const joinGroup: Api<JoinGroupRequest, JoinGroupAnswer> = api({
  name: 'JoinGroup',
  key: 11,
  version: 9,
  flexible: true,
  write(writer, request) {
    writer
      .appendString(request.group)
      .appendInt32(request.sessionTimeoutMs)
      .appendInt32(request.rebalanceTimeoutMs)
      .appendString(request.memberId)
      .appendString(request.instanceId)
      .appendString(request.protocolType)
      .appendArray([...request.protocols], (w, { name, metadata }) => {
        w.appendString(name).appendBytes(metadata)
      })
      .appendString(request.reason)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const answer = {
      code: reader.readInt16(),
      generation: reader.readInt32(),
      protocolType: reader.readNullableString(),
      protocolName: reader.readNullableString(),
      leader: reader.readString(),
      skipAssignment: reader.readBoolean(),
      memberId: reader.readString(),
      members: reader.readArray((r) => ({
        memberId: r.readString(),
        instanceId: r.readNullableString(),
        metadata: r.readBytes(),
      })),
    }
    reader.readTaggedFields()
    return answer
  },
})
