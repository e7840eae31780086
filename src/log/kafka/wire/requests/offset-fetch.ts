/** OffsetFetch: the committed offsets of a group. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface OffsetFetchRequest {
  readonly group: string
  /** null: all. */
  readonly places: readonly { readonly topic: string; readonly partition: number }[] | null
  /** While a transaction is about to change them, the answer is 88. */
  readonly isStable: boolean
}

export interface FetchedOffset {
  readonly topic: string
  readonly partition: number
  readonly code: number
  /** −1: none. */
  readonly offset: number
  readonly metadata: string
}

export const offsetFetch: Api<
  OffsetFetchRequest,
  { readonly code: number; readonly offsets: readonly FetchedOffset[] }
> = api({
  name: 'OffsetFetch',
  key: 9,
  version: 8,
  flexible: true,
  write(writer, { group, places, isStable }) {
    const topics = places === null ? null : [...Map.groupBy(places, ({ topic }) => topic)]
    writer
      .appendArray([group], (w) => {
        w.appendString(group).appendArray(topics, (t, [topic, list]) => {
          t.appendString(topic).appendArray(
            list,
            (p, { partition }) => p.appendInt32(partition),
            true,
            false,
          )
        })
      })
      .appendBoolean(isStable)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const offsets: FetchedOffset[] = []
    const [code] = reader.readArray((g) => {
      g.readString()
      g.readArray((t) => {
        const topic = t.readString()
        t.readArray((p) => {
          const partition = p.readInt32()
          const offset = Number(p.readInt64())
          p.readInt32() // leader epoch
          const metadata = p.readNullableString() ?? ''
          offsets.push({ topic, partition, offset, metadata, code: p.readInt16() })
        })
      })
      return g.readInt16()
    })
    return { code: code ?? -1, offsets }
  },
})
