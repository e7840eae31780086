/** TxnOffsetCommit: offsets of a group, kept when the transaction is committed. */
import type { OffsetToCommit } from '../../contracts.ts'
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { Producer } from './end-txn.ts'

export interface TxnOffsetCommitRequest extends Producer {
  readonly group: string
  /** −1 without a member. */
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string | null
  readonly offsets: readonly OffsetToCommit[]
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly code: number
}

/** After AddOffsetsToTxn has named the group. */
export const txnOffsetCommit: Api<TxnOffsetCommitRequest, readonly CommittedOffset[]> =
  txnOffsetCommitAt(4)
/** Names the group itself [KIP-890, part 2]. */
export const txnOffsetCommitAndAdd: Api<TxnOffsetCommitRequest, readonly CommittedOffset[]> =
  txnOffsetCommitAt(5)

function txnOffsetCommitAt(
  version: number,
): Api<TxnOffsetCommitRequest, readonly CommittedOffset[]> {
  return api({
    name: 'TxnOffsetCommit',
    key: 28,
    version,
    flexible: true,
    write(writer, request) {
      writer
        .appendString(request.transactionalId)
        .appendString(request.group)
        .appendInt64(BigInt(request.producerId))
        .appendInt16(request.epoch)
        .appendInt32(request.generation)
        .appendString(request.memberId)
        .appendString(request.instanceId)
        .appendArray(
          [...Map.groupBy(request.offsets, ({ topic }) => topic)],
          (w, [topic, list]) => {
            w.appendString(topic).appendArray(list, (p, { partition, offset, metadata }) => {
              p.appendInt32(partition)
                .appendInt64(BigInt(offset))
                .appendInt32(-1)
                .appendString(metadata)
            })
          },
        )
        .appendTaggedFields()
    },
    read(reader) {
      reader.readInt32() // throttle time
      const committed: CommittedOffset[] = []
      reader.readArray((r) => {
        const topic = r.readString()
        r.readArray((p) => {
          committed.push({ topic, partition: p.readInt32(), code: p.readInt16() })
        })
      })
      reader.readTaggedFields()
      return committed
    },
  })
}
