/** DeleteTopics: one topic, by its id: one made anew under the same name is another. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface DeleteTopicsRequest {
  /** UUID as text. */
  readonly id: string
  readonly timeoutMs: number
}

export const deleteTopics: Api<
  DeleteTopicsRequest,
  { readonly code: number; readonly reason: string | null }
> = api({
  name: 'DeleteTopics',
  key: 20,
  version: 6,
  flexible: true,
  write(writer, { id, timeoutMs }) {
    writer
      .appendArray([id], (w) => {
        w.appendString(null).appendUUID(id)
      })
      .appendInt32(timeoutMs)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const [first] = reader.readArray((r) => {
      r.readNullableString()
      r.readUUID()
      return { code: r.readInt16(), reason: r.readNullableString() }
    })
    return first ?? { code: -1, reason: null }
  },
})
