/** Fetch: raw record batches of partitions of one leader, up to their last stable offset. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface FetchPartition {
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly offset: number
  readonly bytesMax: number
}

export interface FetchRequest {
  /** The broker waits this long for a first byte, ms. */
  readonly waitMs: number
  readonly bytesMax: number
  readonly partitions: readonly FetchPartition[]
}

export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly code: number
  readonly lastStableOffset: number
  readonly startOffset: number
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]
  /** null: none. Its last batch may be cut off. */
  readonly records: Buffer | null
}

export interface FetchAnswer {
  readonly code: number
  readonly partitions: readonly FetchedPartition[]
}

const readCommitted = 1
const noSession = -1

export const fetch: Api<FetchRequest, FetchAnswer> = api({
  name: 'Fetch',
  key: 1,
  version: 15,
  flexible: true,
  write(writer, { waitMs, bytesMax, partitions }) {
    const topics = Map.groupBy(partitions, ({ topicId }) => topicId)
    writer
      .appendInt32(waitMs)
      .appendInt32(1) // bytes to wait for
      .appendInt32(bytesMax)
      .appendInt8(readCommitted)
      .appendInt32(0)
      .appendInt32(noSession)
      .appendArray([...topics], (w, [topicId, list]) => {
        w.appendUUID(topicId).appendArray(list, (p, one) => {
          p.appendInt32(one.partition)
            .appendInt32(one.leaderEpoch)
            .appendInt64(BigInt(one.offset))
            .appendInt32(-1) // epoch of the last fetched record: for followers
            .appendInt64(-1n) // log start: for followers
            .appendInt32(one.bytesMax)
        })
      })
      .appendArray([], () => {}) // nothing to forget
      .appendString('')
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    reader.readInt32() // session
    const partitions: FetchedPartition[] = []
    reader.readArray((r) => {
      const topicId = r.readUUID()
      r.readArray((p) => {
        const partition = p.readInt32()
        const failure = p.readInt16()
        p.readInt64() // high watermark
        const lastStableOffset = Number(p.readInt64())
        const startOffset = Number(p.readInt64())
        const aborted = p.readNullableArray((a) => ({
          producerId: Number(a.readInt64()),
          firstOffset: Number(a.readInt64()),
        }))
        p.readInt32() // preferred replica
        const records = p.readNullableBytes()
        partitions.push({
          topicId,
          partition,
          code: failure,
          lastStableOffset,
          startOffset,
          aborted: aborted ?? [],
          records: records === null || records.length === 0 ? null : records,
        })
      })
    })
    return { code, partitions }
  },
})
