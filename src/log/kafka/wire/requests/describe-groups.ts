/** DescribeGroups: the members of classic groups. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface GroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
}

export interface DescribedGroup {
  readonly group: string
  readonly code: number
  readonly members: readonly GroupMember[]
}

export interface DescribeGroupsRequest {
  readonly groups: readonly string[]
}

export const describeGroups: Api<DescribeGroupsRequest, readonly DescribedGroup[]> = api({
  name: 'DescribeGroups',
  key: 15,
  version: 5,
  flexible: true,
  write(writer, { groups }) {
    writer
      .appendArray([...groups], (w, group) => w.appendString(group), true, false)
      .appendBoolean(false) // what may be done with them
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return reader.readArray((r) => {
      const head = { code: r.readInt16(), group: r.readString() }
      r.readString() // state
      r.readString() // protocol type
      r.readString() // protocol
      const members = r.readArray((m) => {
        const member = {
          memberId: m.readString(),
          instanceId: m.readNullableString(),
          clientId: m.readString(),
          host: m.readString(),
        }
        m.readBytes() // what it brought
        m.readBytes() // what it was given
        return member
      })
      r.readInt32() // what may be done with it
      return { ...head, members }
    })
  },
})
