/** LeaveGroup: members go, by member id or by instance id. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface LeaveGroupRequest {
  readonly group: string
  readonly members: readonly {
    /** '' where only the instance id is known. */
    readonly memberId: string
    readonly instanceId: string | null
    readonly reason: string | null
  }[]
}

export interface LeaveGroupAnswer {
  readonly code: number
  /** In the order of the request. */
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly code: number
  }[]
}

export const leaveGroup: Api<LeaveGroupRequest, LeaveGroupAnswer> = api({
  name: 'LeaveGroup',
  key: 13,
  version: 5,
  flexible: true,
  write(writer, request) {
    writer
      .appendString(request.group)
      .appendArray([...request.members], (w, member) => {
        w.appendString(member.memberId).appendString(member.instanceId).appendString(member.reason)
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    const members = reader.readArray((r) => ({
      memberId: r.readString(),
      instanceId: r.readNullableString(),
      code: r.readInt16(),
    }))
    reader.readTaggedFields()
    return { code, members }
  },
})
