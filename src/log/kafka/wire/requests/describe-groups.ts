/** DescribeGroups: the members of groups of the classic protocol. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface DescribedGroup {
  readonly code: number
  readonly group: string
  readonly state: string
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly clientId: string
    readonly host: string
  }[]
}

export const describeGroups: Api<readonly string[], readonly DescribedGroup[]> = api({
  name: 'DescribeGroups',
  key: 15,
  version: 5,
  flexible: true,
  write(writer, groups) {
    writer
      .appendArray([...groups], (w, group) => w.appendString(group), true, false)
      .appendBoolean(false)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return reader.readArray((r) => {
      const code = r.readInt16()
      const group = r.readString()
      const state = r.readString()
      r.readString()
      r.readString()
      const members = r.readArray((m) => {
        const member = {
          memberId: m.readString(),
          instanceId: m.readNullableString(),
          clientId: m.readString(),
          host: m.readString(),
        }
        m.readBytes()
        m.readBytes()
        return member
      })
      r.readInt32()
      return { code, group, state, members }
    })
  },
})
