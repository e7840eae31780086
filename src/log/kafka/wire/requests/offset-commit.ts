/**
 * OffsetCommit outside of a transaction: by a member, or by none, which is accepted while the group
 * has none.
 */
import type { MemberIdentity, OffsetToCommit } from '../../contracts.ts'
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface OffsetCommitRequest {
  readonly group: string
  readonly offsets: readonly OffsetToCommit[]
  /** Default: none. */
  readonly member?: MemberIdentity
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly code: number
}

export const offsetCommit: Api<OffsetCommitRequest, readonly CommittedOffset[]> = api({
  name: 'OffsetCommit',
  key: 8,
  version: 9,
  flexible: true,
  write(writer, { group, offsets, member }) {
    writer
      .appendString(group)
      .appendInt32(member?.generation ?? -1)
      .appendString(member?.memberId ?? '')
      .appendString(member?.instanceId ?? null)
      .appendArray([...Map.groupBy(offsets, ({ topic }) => topic)], (w, [topic, list]) => {
        w.appendString(topic).appendArray(list, (p, { partition, offset, metadata }) => {
          p.appendInt32(partition)
            .appendInt64(BigInt(offset))
            .appendInt32(-1) // leader epoch
            .appendString(metadata)
        })
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const results: CommittedOffset[] = []
    reader.readArray((r) => {
      const topic = r.readString()
      r.readArray((p) => {
        results.push({ topic, partition: p.readInt32(), code: p.readInt16() })
      })
    })
    return results
  },
})
