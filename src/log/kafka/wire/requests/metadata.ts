/** Metadata: brokers, topics, leaders. Never creates a topic. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { BrokerMeta, PartitionMeta } from '../cluster.ts'

export interface MetadataRequest {
  /** null: all topics. */
  readonly topics: readonly string[] | null
}

export interface TopicAnswer {
  readonly code: number
  readonly name: string
  readonly id: string
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMeta[]
}

export interface MetadataAnswer {
  readonly brokers: readonly BrokerMeta[]
  readonly clusterId: string
  readonly topics: readonly TopicAnswer[]
}

export const metadata: Api<MetadataRequest, MetadataAnswer> = api({
  name: 'Metadata',
  key: 3,
  version: 12,
  flexible: true,
  write(writer, { topics }) {
    writer
      .appendArray(topics === null ? null : [...topics], (w, name) => {
        w.appendUUID(null).appendString(name)
      })
      .appendBoolean(false) // creates no topic
      .appendBoolean(false)
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    const brokers = reader.readArray((r) => {
      const broker = { node: r.readInt32(), host: r.readString(), port: r.readInt32() }
      r.readNullableString() // rack
      return broker
    })
    const clusterId = reader.readNullableString() ?? ''
    reader.readInt32() // controller
    const topics = reader.readArray((r) => {
      const code = r.readInt16()
      const name = r.readNullableString() ?? ''
      const id = r.readUUID()
      const isInternal = r.readBoolean()
      const partitions = r.readArray((p) => {
        p.readInt16() // the leader says it better
        const partition = {
          partition: p.readInt32(),
          leader: p.readInt32(),
          leaderEpoch: p.readInt32(),
          replicas: p.readArray((n) => n.readInt32(), true, false),
          isr: p.readArray((n) => n.readInt32(), true, false),
        }
        p.readArray((n) => n.readInt32(), true, false) // offline replicas
        return partition
      })
      r.readInt32() // authorized operations
      partitions.sort((a, b) => a.partition - b.partition)
      return { code, name, id, isInternal, partitions }
    })
    return { brokers, clusterId, topics }
  },
})
