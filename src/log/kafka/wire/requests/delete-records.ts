/** DeleteRecords: moves the start of partitions up. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface DeleteRecordsRequest {
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[]
  readonly timeoutMs: number
}

export interface DeletedRecords {
  readonly topic: string
  readonly partition: number
  readonly code: number
}

export const deleteRecords: Api<DeleteRecordsRequest, readonly DeletedRecords[]> = api({
  name: 'DeleteRecords',
  key: 21,
  version: 2,
  flexible: true,
  write(writer, { offsets, timeoutMs }) {
    writer
      .appendArray([...Map.groupBy(offsets, ({ topic }) => topic)], (w, [topic, list]) => {
        w.appendString(topic).appendArray(list, (p, { partition, offset }) => {
          p.appendInt32(partition).appendInt64(BigInt(offset))
        })
      })
      .appendInt32(timeoutMs)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const deleted: DeletedRecords[] = []
    reader.readArray((r) => {
      const topic = r.readString()
      r.readArray((p) => {
        const partition = p.readInt32()
        p.readInt64() // low watermark
        deleted.push({ topic, partition, code: p.readInt16() })
      })
    })
    return deleted
  },
})
