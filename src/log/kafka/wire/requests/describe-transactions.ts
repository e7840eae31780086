/** DescribeTransactions: who holds a transactional id now, and how its transaction stands. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface DescribedTransaction {
  readonly code: number
  readonly transactionalId: string
  /** As Kafka writes it: `Empty`, `Ongoing`, `CompleteAbort` and others. */
  readonly state: string
  readonly producerId: number
  readonly epoch: number
}

export const describeTransactions: Api<readonly string[], readonly DescribedTransaction[]> = api({
  name: 'DescribeTransactions',
  key: 65,
  version: 0,
  flexible: true,
  write(writer, ids) {
    writer.appendArray([...ids], (w, id) => w.appendString(id), true, false).appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const found = reader.readArray((r) => {
      const code = r.readInt16()
      const transactionalId = r.readString()
      const state = r.readString()
      r.readInt32() // time-out
      r.readInt64() // since
      const producerId = Number(r.readInt64())
      const epoch = r.readInt16()
      r.readArray((t) => {
        t.readString()
        t.readArray((p) => p.readInt32(), true, false)
      })
      return { code, transactionalId, state, producerId, epoch }
    })
    reader.readTaggedFields()
    return found
  },
})
