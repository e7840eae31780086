/** ListOffsets: where partitions begin and end, and what lies at a time. Read committed. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface ListOffsetsRequest {
  readonly places: readonly { readonly topic: string; readonly partition: number }[]
  /** −2: the first offset, −1: the last stable one, else ms since 1970. */
  readonly timestamp: number
}

export interface ListedOffset {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** −1: no record is that young. */
  readonly offset: number
}

export const listOffsetsApi: Api<ListOffsetsRequest, readonly ListedOffset[]> = api({
  name: 'ListOffsets',
  key: 2,
  version: 7,
  flexible: true,
  write(writer, { places, timestamp }) {
    const topics = Map.groupBy(places, ({ topic }) => topic)
    writer
      .appendInt32(-1) // no replica
      .appendInt8(1) // read committed
      .appendArray([...topics], (w, [topic, list]) => {
        w.appendString(topic).appendArray(list, (p, { partition }) => {
          p.appendInt32(partition).appendInt32(-1).appendInt64(BigInt(timestamp))
        })
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const offsets: ListedOffset[] = []
    reader.readArray((r) => {
      const topic = r.readString()
      r.readArray((p) => {
        const partition = p.readInt32()
        const code = p.readInt16()
        p.readInt64() // time
        const offset = Number(p.readInt64())
        p.readInt32() // leader epoch
        offsets.push({ topic, partition, code, offset })
      })
    })
    return offsets
  },
})
