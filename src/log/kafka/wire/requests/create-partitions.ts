/** CreatePartitions: a topic grows. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface CreatePartitionsRequest {
  readonly name: string
  readonly count: number
  readonly timeoutMs: number
}

export const createPartitions: Api<
  CreatePartitionsRequest,
  { readonly code: number; readonly reason: string | null }
> = api({
  name: 'CreatePartitions',
  key: 37,
  version: 3,
  flexible: true,
  write(writer, { name, count, timeoutMs }) {
    writer
      .appendArray([name], (w) => {
        w.appendString(name)
          .appendInt32(count)
          .appendArray(null, () => {})
      })
      .appendInt32(timeoutMs)
      .appendBoolean(false)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const [first] = reader.readArray((r) => {
      r.readString()
      return { code: r.readInt16(), reason: r.readNullableString() }
    })
    return first ?? { code: -1, reason: null }
  },
})
