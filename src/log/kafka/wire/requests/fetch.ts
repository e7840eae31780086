/**
 * Fetch: raw record batches of partitions of one leader, up to their last stable offset. A broker
 * may remember what it was asked for [KIP-227]; what has not changed is then left out on both
 * sides.
 */
import type { Reader } from '@platformatic/kafka'
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface FetchPartition {
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly offset: number
  /**
   * Leader epoch of the last record before `offset`; −1: not known. A leader whose records up to
   * there are others says so (`diverging`).
   */
  readonly lastEpoch: number
  readonly bytesMax: number
}

export interface FetchRequest {
  /** The broker waits this long for a first byte, ms. */
  readonly waitMs: number
  readonly bytesMax: number
  /** 0: none yet. */
  readonly sessionId: number
  /** −1: without a session; 0: a new one, instead of `sessionId`; else counts its requests. */
  readonly sessionEpoch: number
  readonly partitions: readonly FetchPartition[]
  /** Of the session. */
  readonly forgotten: readonly { readonly topicId: string; readonly partition: number }[]
}

export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly code: number
  readonly lastStableOffset: number
  readonly startOffset: number
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]
  /** Where the leader's log parts from what was read before; null: nowhere. */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null
  /** null: none. Its last batch may be cut off. */
  readonly records: Buffer | null
}

export interface FetchAnswer {
  readonly code: number
  /** 0: the broker keeps none. */
  readonly sessionId: number
  /** With a session: those that have changed. */
  readonly partitions: readonly FetchedPartition[]
}

const readCommitted = 1
const divergingTag = 0

export const fetch: Api<FetchRequest, FetchAnswer> = api({
  name: 'Fetch',
  key: 1,
  version: 15,
  flexible: true,
  write(writer, { waitMs, bytesMax, sessionId, sessionEpoch, partitions, forgotten }) {
    const topics = Map.groupBy(partitions, ({ topicId }) => topicId)
    const dropped = Map.groupBy(forgotten, ({ topicId }) => topicId)
    writer
      .appendInt32(waitMs)
      .appendInt32(1) // bytes to wait for
      .appendInt32(bytesMax)
      .appendInt8(readCommitted)
      .appendInt32(sessionId)
      .appendInt32(sessionEpoch)
      .appendArray([...topics], (w, [topicId, list]) => {
        w.appendUUID(topicId).appendArray(list, (p, one) => {
          p.appendInt32(one.partition)
            .appendInt32(one.leaderEpoch)
            .appendInt64(BigInt(one.offset))
            .appendInt32(one.lastEpoch)
            .appendInt64(-1n) // log start: for followers
            .appendInt32(one.bytesMax)
        })
      })
      .appendArray([...dropped], (w, [topicId, list]) => {
        w.appendUUID(topicId).appendArray(
          list,
          (p, { partition }) => p.appendInt32(partition),
          true,
          false,
        )
      })
      .appendString('')
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    const sessionId = reader.readInt32()
    const partitions: FetchedPartition[] = []
    reader.readArray((r) => {
      const topicId = r.readUUID()
      r.readArray(
        (p) => {
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
          const diverging = readDiverging(p)
          partitions.push({
            topicId,
            partition,
            code: failure,
            lastStableOffset,
            startOffset,
            aborted: aborted ?? [],
            diverging,
            records: records === null || records.length === 0 ? null : records,
          })
        },
        true,
        false,
      )
    })
    return { code, sessionId, partitions }
  },
})

function readDiverging(reader: Reader): FetchedPartition['diverging'] {
  let diverging: FetchedPartition['diverging'] = null
  for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
    const tag = reader.readUnsignedVarInt()
    const end = reader.readUnsignedVarInt() + reader.position
    if (tag === divergingTag) {
      diverging = { epoch: reader.readInt32(), endOffset: Number(reader.readInt64()) }
    }
    reader.position = end
  }
  return diverging
}
