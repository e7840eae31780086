/** ListGroups: the groups that one broker coordinates. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface ListedGroup {
  readonly group: string
  /** Lower case, e.g. `empty`, `stable`, `dead`. */
  readonly state: string
  /** Lower case: `classic`, `consumer`, `streams`, `share`. */
  readonly type: string
}

export interface ListGroupsAnswer {
  readonly code: number
  readonly groups: readonly ListedGroup[]
}

export const listGroups: Api<null, ListGroupsAnswer> = api({
  name: 'ListGroups',
  key: 16,
  version: 5,
  flexible: true,
  write(writer) {
    writer
      .appendArray([], () => {}) // of any state
      .appendArray([], () => {}) // of any type
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    const groups = reader.readArray((r) => {
      const group = r.readString()
      r.readString() // protocol type
      return { group, state: r.readString().toLowerCase(), type: r.readString().toLowerCase() }
    })
    return { code, groups }
  },
})
