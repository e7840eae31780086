/** OffsetFetch: committed offsets of groups that have the same coordinator. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface OffsetFetchRequest {
  readonly groups: readonly {
    readonly group: string
    /** null: all that the group has. */
    readonly places: readonly { readonly topic: string; readonly partition: number }[] | null
  }[]
  /** Offsets that an open transaction may change are not given: code 88. */
  readonly requireStable: boolean
}

export interface FetchedOffset {
  readonly topic: string
  readonly partition: number
  /** −1: none. */
  readonly offset: number
  readonly metadata: string
  readonly code: number
}

export interface FetchedGroup {
  readonly group: string
  readonly code: number
  readonly offsets: readonly FetchedOffset[]
}

export const offsetFetch: Api<OffsetFetchRequest, readonly FetchedGroup[]> = api({
  name: 'OffsetFetch',
  key: 9,
  version: 9,
  flexible: true,
  write(writer, { groups, requireStable }) {
    writer
      .appendArray([...groups], (w, { group, places }) => {
        const topics = places === null ? null : [...Map.groupBy(places, ({ topic }) => topic)]
        w.appendString(group)
          .appendString(null) // asked by no member
          .appendInt32(-1)
          .appendArray(topics, (t, [topic, list]) => {
            t.appendString(topic).appendArray(
              list,
              (p, { partition }) => p.appendInt32(partition),
              true,
              false,
            )
          })
      })
      .appendBoolean(requireStable)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return reader.readArray((r) => {
      const group = r.readString()
      const offsets: FetchedOffset[] = []
      r.readArray((t) => {
        const topic = t.readString()
        t.readArray((p) => {
          const partition = p.readInt32()
          const offset = Number(p.readInt64())
          p.readInt32() // leader epoch
          const metadata = p.readNullableString() ?? ''
          offsets.push({ topic, partition, offset, metadata, code: p.readInt16() })
        })
      })
      return { group, code: r.readInt16(), offsets }
    })
  },
})
