/** ListGroups: the groups that one broker coordinates. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export const listGroups: Api<null, { readonly code: number; readonly groups: readonly string[] }> =
  api({
    name: 'ListGroups',
    key: 16,
    version: 4,
    flexible: true,
    write(writer) {
      writer.appendArray([], () => {}).appendTaggedFields()
    },
    read(reader) {
      reader.readInt32() // throttle time
      const code = reader.readInt16()
      const groups = reader.readArray((r) => {
        const group = r.readString()
        r.readString()
        r.readString()
        return group
      })
      return { code, groups }
    },
  })
