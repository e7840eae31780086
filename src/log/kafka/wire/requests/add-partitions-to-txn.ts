/**
 * AddPartitionsToTxn: names the partitions that a transaction is going to write. Version 3: later
 * ones are for brokers among themselves.
 */
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { Producer } from './end-txn.ts'

export interface AddPartitionsToTxnRequest extends Producer {
  readonly places: readonly { readonly topic: string; readonly partition: number }[]
}

export interface AddedPartition {
  readonly topic: string
  readonly partition: number
  readonly code: number
}

export const addPartitionsToTxn: Api<AddPartitionsToTxnRequest, readonly AddedPartition[]> = api({
  name: 'AddPartitionsToTxn',
  key: 24,
  version: 3,
  flexible: true,
  write(writer, { transactionalId, producerId, epoch, places }) {
    writer
      .appendString(transactionalId)
      .appendInt64(BigInt(producerId))
      .appendInt16(epoch)
      .appendArray([...Map.groupBy(places, ({ topic }) => topic)], (w, [topic, list]) => {
        w.appendString(topic).appendArray(
          list,
          (p, { partition }) => p.appendInt32(partition),
          true,
          false,
        )
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const added: AddedPartition[] = []
    reader.readArray((r) => {
      const topic = r.readString()
      r.readArray((p) => {
        added.push({ topic, partition: p.readInt32(), code: p.readInt16() })
      })
    })
    reader.readTaggedFields()
    return added
  },
})
