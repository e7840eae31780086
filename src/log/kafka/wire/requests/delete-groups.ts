/** DeleteGroups: forgets a group that has no members. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export const deleteGroups: Api<string, { readonly code: number }> = api({
  name: 'DeleteGroups',
  key: 42,
  version: 2,
  flexible: true,
  write(writer, group) {
    writer.appendArray([group], (w, one) => w.appendString(one), true, false).appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const [first] = reader.readArray((r) => {
      r.readString()
      return { code: r.readInt16() }
    })
    return first ?? { code: -1 }
  },
})
