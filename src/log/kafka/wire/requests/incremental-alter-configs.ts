/** IncrementalAlterConfigs: some settings of a topic; the others stay. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface AlterConfigsRequest {
  readonly topic: string
  readonly settings: Readonly<Record<string, string>>
}

const topicResource = 2
const setOperation = 0

export const incrementalAlterConfigs: Api<
  AlterConfigsRequest,
  { readonly code: number; readonly reason: string | null }
> = api({
  name: 'IncrementalAlterConfigs',
  key: 44,
  version: 1,
  flexible: true,
  write(writer, { topic, settings }) {
    writer
      .appendArray([topic], (w) => {
        w.appendInt8(topicResource)
          .appendString(topic)
          .appendArray(Object.entries(settings), (c, [name, value]) => {
            c.appendString(name).appendInt8(setOperation).appendString(value)
          })
      })
      .appendBoolean(false)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const [first] = reader.readArray((r) => {
      const outcome = { code: r.readInt16(), reason: r.readNullableString() }
      r.readInt8()
      r.readString()
      return outcome
    })
    return first ?? { code: -1, reason: null }
  },
})
