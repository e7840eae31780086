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

export interface EndTxnAnswer {
  readonly code: number
  /** As whom the next transaction is written; null before version 5: as before. */
  readonly next: { readonly producerId: number; readonly epoch: number } | null
}

export const endTxn: Api<EndTxnRequest, EndTxnAnswer> = endTxnAt(4)
/** Gives a new epoch for the next transaction [KIP-890, part 2]. */
export const endTxnAndRise: Api<EndTxnRequest, EndTxnAnswer> = endTxnAt(5)

function endTxnAt(version: 4 | 5): Api<EndTxnRequest, EndTxnAnswer> {
  return api({
    name: 'EndTxn',
    key: 26,
    version,
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
      const code = reader.readInt16()
      const next =
        version < 5 ? null : { producerId: Number(reader.readInt64()), epoch: reader.readInt16() }
      reader.readTaggedFields()
      return { code, next }
    },
  })
}
