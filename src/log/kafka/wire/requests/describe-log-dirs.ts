/** DescribeLogDirs: how many bytes the partitions of a broker take. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface LogSize {
  readonly topic: string
  readonly partition: number
  readonly bytes: number
}

export const describeLogDirs: Api<readonly string[], readonly LogSize[]> = api({
  name: 'DescribeLogDirs',
  key: 35,
  version: 4,
  flexible: true,
  write(writer, topics) {
    const partitions = Array.from({ length: 1024 }, (_, i) => i)
    writer
      .appendArray([...topics], (w, topic) => {
        w.appendString(topic).appendArray(partitions, (p, one) => p.appendInt32(one), true, false)
      })
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    reader.readInt16()
    const sizes: LogSize[] = []
    reader.readArray((r) => {
      r.readInt16()
      r.readString()
      r.readArray((t) => {
        const topic = t.readString()
        t.readArray((p) => {
          sizes.push({ topic, partition: p.readInt32(), bytes: Number(p.readInt64()) })
          p.readInt64()
          p.readBoolean()
        })
      })
      r.readInt64()
      r.readInt64()
    })
    return sizes
  },
})
