/** FindCoordinator: which broker looks after a group or a transactional id. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { BrokerMeta } from '../cluster.ts'

export interface FindCoordinatorRequest {
  readonly key: string
  readonly kind: 'group' | 'transaction'
}

export interface FindCoordinatorAnswer {
  readonly code: number
  readonly reason: string | null
  readonly broker: BrokerMeta
}

const kinds = { group: 0, transaction: 1 } as const

export const findCoordinator: Api<FindCoordinatorRequest, FindCoordinatorAnswer> = api({
  name: 'FindCoordinator',
  key: 10,
  version: 4,
  flexible: true,
  write(writer, { key, kind }) {
    writer
      .appendInt8(kinds[kind])
      .appendArray([key], (w, one) => w.appendString(one), true, false)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const [first] = reader.readArray((r) => {
      r.readString()
      const broker = { node: r.readInt32(), host: r.readString(), port: r.readInt32() }
      return { broker, code: r.readInt16(), reason: r.readNullableString() }
    })
    const none = { node: -1, host: '', port: 0 }
    return first ?? { broker: none, code: 15, reason: null }
  },
})
