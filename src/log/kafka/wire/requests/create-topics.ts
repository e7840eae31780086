/** CreateTopics: one topic, made with settings. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface CreateTopicsRequest {
  readonly name: string
  readonly partitions: number
  /** −1: the broker's default. */
  readonly replicationFactor: number
  readonly settings: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export interface TopicOutcome {
  readonly code: number
  readonly reason: string | null
}

export const createTopics: Api<CreateTopicsRequest, TopicOutcome> = api({
  name: 'CreateTopics',
  key: 19,
  version: 6,
  flexible: true,
  write(writer, { name, partitions, replicationFactor, settings, timeoutMs }) {
    writer
      .appendArray([name], (w) => {
        w.appendString(name)
          .appendInt32(partitions)
          .appendInt16(replicationFactor)
          .appendArray([], () => {})
          .appendArray(Object.entries(settings), (c, [key, value]) => {
            c.appendString(key).appendString(value)
          })
      })
      .appendInt32(timeoutMs)
      .appendBoolean(false) // not only to look whether it could be made
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    // The rest of the answer repeats the request.
    const topics = reader.readUnsignedVarInt() - 1
    if (topics < 1) return { code: -1, reason: null }
    reader.readString()
    return { code: reader.readInt16(), reason: reader.readNullableString() }
  },
})
