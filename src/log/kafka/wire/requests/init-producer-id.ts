/** InitProducerId: a producer id and epoch; of a transactional id it fences whoever held it. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface InitProducerIdRequest {
  /** null: an idempotent producer without transactions. */
  readonly transactionalId: string | null
  readonly timeoutMs: number
}

export interface InitProducerIdAnswer {
  readonly code: number
  readonly producerId: number
  readonly epoch: number
}

export const initProducerId: Api<InitProducerIdRequest, InitProducerIdAnswer> = api({
  name: 'InitProducerId',
  key: 22,
  version: 4,
  flexible: true,
  write(writer, { transactionalId, timeoutMs }) {
    writer
      .appendString(transactionalId)
      .appendInt32(timeoutMs)
      .appendInt64(-1n)
      .appendInt16(-1)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const code = reader.readInt16()
    return { code, producerId: Number(reader.readInt64()), epoch: reader.readInt16() }
  },
})
