/** OffsetCommit: offsets of a group, outside of a transaction. */
import type { OffsetToCommit } from '../../contracts.ts'
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface OffsetCommitRequest {
  readonly group: string
  /** −1 without a member. */
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string | null
  readonly offsets: readonly OffsetToCommit[]
}

export const offsetCommit: Api<OffsetCommitRequest, readonly { readonly code: number }[]> = api({
  name: 'OffsetCommit',
  key: 8,
  version: 8,
  flexible: true,
  write(writer, { group, generation, memberId, instanceId, offsets }) {
    writer
      .appendString(group)
      .appendInt32(generation)
      .appendString(memberId)
      .appendString(instanceId)
      .appendArray([...Map.groupBy(offsets, ({ topic }) => topic)], (w, [topic, list]) => {
        w.appendString(topic).appendArray(list, (p, { partition, offset, metadata }) => {
          p.appendInt32(partition)
            .appendInt64(BigInt(offset))
            .appendInt32(-1)
            .appendString(metadata)
        })
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const codes: { code: number }[] = []
    reader.readArray((r) => {
      r.readString()
      r.readArray((p) => {
        p.readInt32()
        codes.push({ code: p.readInt16() })
      })
    })
    return codes
  },
})
