/** EndTxn: commits or aborts a transaction. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

/** As whom a transaction is written. */
export interface Producer {
  readonly transactionalId: string
  readonly producerId: number
  readonly epoch: number
}

export interface EndTxnRequest extends Producer {
  readonly isCommit: boolean
}

export const endTxn: Api<EndTxnRequest, { readonly code: number }> = api({
  name: 'EndTxn',
  key: 26,
  version: 3,
  flexible: true,
  write(writer, { transactionalId, producerId, epoch, isCommit }) {
    writer
      .appendString(transactionalId)
      .appendInt64(BigInt(producerId))
      .appendInt16(epoch)
      .appendBoolean(isCommit)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return { code: reader.readInt16() }
  },
})
