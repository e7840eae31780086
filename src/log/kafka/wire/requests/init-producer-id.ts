/** InitProducerId: a producer id and epoch; of a transactional id it fences whoever held it. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface InitProducerIdRequest {
  /** null: an idempotent producer without transactions. */
  readonly transactionalId: string | null
  readonly timeoutMs: number
  /**
   * The id and epoch held now: gives the next epoch, and refuses where someone newer has come.
   * Absent: fences whoever holds the transactional id.
   */
  readonly held?: { readonly producerId: number; readonly epoch: number }
}

export interface InitProducerIdAnswer {
  readonly code: number
  readonly producerId: number
  readonly epoch: number
}

export const initProducerId: Api<InitProducerIdRequest, InitProducerIdAnswer> = api({
  name: 'InitProducerId',
  key: 22,
  version: 5,
  flexible: true,
  write(writer, { transactionalId, timeoutMs, held }) {
    writer
      .appendString(transactionalId)
      .appendInt32(timeoutMs)
      .appendInt64(BigInt(held?.producerId ?? -1))
      .appendInt16(held?.epoch ?? -1)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    const answer = { code, producerId: Number(reader.readInt64()), epoch: reader.readInt16() }
    reader.readTaggedFields()
    return answer
  },
})
