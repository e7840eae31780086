/** AddOffsetsToTxn: names the group whose offsets a transaction is going to commit. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { Producer } from './end-txn.ts'

export interface AddOffsetsToTxnRequest extends Producer {
  readonly group: string
}

export const addOffsetsToTxn: Api<AddOffsetsToTxnRequest, { readonly code: number }> = api({
  name: 'AddOffsetsToTxn',
  key: 25,
  version: 4,
  flexible: true,
  write(writer, { transactionalId, producerId, epoch, group }) {
    writer
      .appendString(transactionalId)
      .appendInt64(BigInt(producerId))
      .appendInt16(epoch)
      .appendString(group)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    reader.readTaggedFields()
    return { code }
  },
})
