/** StreamsGroupDescribe: the members of streams groups [KIP-1071]. */
import type { Reader } from '@platformatic/kafka'
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { DescribedGroup, DescribeGroupsRequest, GroupMember } from './describe-groups.ts'

export const streamsGroupDescribe: Api<DescribeGroupsRequest, readonly DescribedGroup[]> = api({
  name: 'StreamsGroupDescribe',
  key: 89,
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
      r.readNullableStruct(() => skipTopology(r))
      const members = r.readArray(readMember)
      r.readInt32() // what may be done with it
      return { group, code, members }
    })
  },
})

function readMember(reader: Reader): GroupMember {
  const memberId = reader.readString()
  reader.readInt32() // member epoch
  const instanceId = reader.readNullableString()
  reader.readNullableString() // rack
  const member = { memberId, instanceId, clientId: reader.readString(), host: reader.readString() }
  reader.readInt32() // topology epoch
  reader.readString() // process
  reader.readNullableStruct(() => {
    reader.readString()
    reader.readUnsignedInt16()
    reader.readTaggedFields()
  })
  skipPairs(reader) // tags
  skipOffsets(reader) // of changelogs
  skipOffsets(reader) // their ends
  skipAssignment(reader) // as it is
  skipAssignment(reader) // as it will be
  reader.readBoolean() // classic
  return member
}

function skipTopology(reader: Reader): null {
  reader.readInt32() // epoch
  reader.readNullableArray((s) => {
    s.readString()
    skipStrings(s) // source topics
    skipStrings(s) // repartition topics written
    skipTopics(s) // changelogs
    skipTopics(s) // repartition topics read
  })
  reader.readTaggedFields()
  return null
}

function skipTopics(reader: Reader): void {
  reader.readArray((t) => {
    t.readString()
    t.readInt32()
    t.readInt16()
    skipPairs(t)
  })
}

function skipPairs(reader: Reader): void {
  reader.readArray((p) => {
    p.readString()
    p.readString()
  })
}

function skipOffsets(reader: Reader): void {
  reader.readArray((o) => {
    o.readString()
    o.readInt32()
    o.readInt64()
  })
}

function skipAssignment(reader: Reader): void {
  for (let kind = 0; kind < 3; kind++) {
    reader.readArray((t) => {
      t.readString()
      t.readArray((p) => p.readInt32(), true, false)
    })
  }
  reader.readTaggedFields()
}

function skipStrings(reader: Reader): void {
  reader.readArray((s) => s.readString(), true, false)
}
