/** Heartbeat: a member of a classic group lives. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface HeartbeatRequest {
  readonly group: string
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string | null
}

export interface HeartbeatAnswer {
  readonly code: number
}

export const heartbeat: Api<HeartbeatRequest, HeartbeatAnswer> = api({
  name: 'Heartbeat',
  key: 12,
  version: 4,
  flexible: true,
  write(writer, request) {
    writer
      .appendString(request.group)
      .appendInt32(request.generation)
      .appendString(request.memberId)
      .appendString(request.instanceId)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    reader.readTaggedFields()
    return { code }
  },
})
