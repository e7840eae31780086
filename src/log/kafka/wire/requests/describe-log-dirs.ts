/** DescribeLogDirs: how many bytes one broker keeps of partitions. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface LogSize {
  readonly topic: string
  readonly partition: number
  readonly bytes: number
}

export interface DescribeLogDirsRequest {
  readonly places: readonly { readonly topic: string; readonly partition: number }[]
}

export interface DescribeLogDirsAnswer {
  readonly code: number
  readonly sizes: readonly LogSize[]
}

export const describeLogDirs: Api<DescribeLogDirsRequest, DescribeLogDirsAnswer> = api({
  name: 'DescribeLogDirs',
  key: 35,
  version: 4,
  flexible: true,
  write(writer, { places }) {
    writer
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
    const code = reader.readInt16()
    const sizes: LogSize[] = []
    reader.readArray((r) => {
      r.readInt16() // of the directory
      r.readString()
      r.readArray((t) => {
        const topic = t.readString()
        t.readArray((p) => {
          const partition = p.readInt32()
          const bytes = Number(p.readInt64())
          p.readInt64() // lag
          const isMoving = p.readBoolean() // a copy on its way to another directory
          if (!isMoving) sizes.push({ topic, partition, bytes })
        })
      })
      r.readInt64() // volume
      r.readInt64() // free
    })
    return { code, sizes }
  },
})
