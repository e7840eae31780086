/** SyncGroup: the leader hands the assignments in, every member gets its own. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface SyncGroupRequest {
  readonly group: string
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string | null
  readonly protocolType: string
  readonly protocolName: string
  /** From the leader only; else empty. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncGroupAnswer {
  readonly code: number
  readonly assignment: Buffer
}

export const syncGroup: Api<SyncGroupRequest, SyncGroupAnswer> = api({
  name: 'SyncGroup',
  key: 14,
  version: 5,
  flexible: true,
  write(writer, request) {
    writer
      .appendString(request.group)
      .appendInt32(request.generation)
      .appendString(request.memberId)
      .appendString(request.instanceId)
      .appendString(request.protocolType)
      .appendString(request.protocolName)
      .appendArray([...request.assignments], (w, { memberId, assignment }) => {
        w.appendString(memberId).appendBytes(assignment)
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    reader.readNullableString() // protocol type
    reader.readNullableString() // protocol name
    const assignment = reader.readBytes()
    reader.readTaggedFields()
    return { code, assignment }
  },
})
