/** ConsumerGroupDescribe: the members of groups of the newer consumer protocol [KIP-848]. */
import type { Reader } from '@platformatic/kafka'
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { DescribedGroup, DescribeGroupsRequest } from './describe-groups.ts'

export const consumerGroupDescribe: Api<DescribeGroupsRequest, readonly DescribedGroup[]> = api({
  name: 'ConsumerGroupDescribe',
  key: 69,
  version: 0,
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
      const code = r.readInt16()
      r.readNullableString() // message
      const group = r.readString()
      r.readString() // state
      r.readInt32() // group epoch
      r.readInt32() // assignment epoch
      r.readString() // assignor
      const members = r.readArray((m) => {
        const memberId = m.readString()
        const instanceId = m.readNullableString()
        m.readNullableString() // rack
        m.readInt32() // member epoch
        const member = { memberId, instanceId, clientId: m.readString(), host: m.readString() }
        m.readArray((t) => t.readString(), true, false) // topics
        m.readNullableString() // topics by expression
        skipAssignment(m) // as it is
        skipAssignment(m) // as it will be
        return member
      })
      r.readInt32() // what may be done with it
      return { group, code, members }
    })
  },
})

function skipAssignment(reader: Reader): void {
  reader.readArray((t) => {
    t.readUUID()
    t.readString()
    t.readArray((p) => p.readInt32(), true, false)
  })
  reader.readTaggedFields()
}
