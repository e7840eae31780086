/** StreamsGroupHeartbeat [KIP-1071]: joins, lives, reports and leaves, all in one request. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'
import type { Reader, Writer } from '@platformatic/kafka'

export interface StreamsTaskIds {
  readonly subtopology: string
  readonly partitions: readonly number[]
}

export interface StreamsTopicInfo {
  readonly name: string
  /** 0: as the broker finds it; always 0 for a changelog. */
  readonly partitions: number
  /** 0: the broker's default. */
  readonly replicationFactor: number
  readonly configs: readonly { readonly key: string; readonly value: string }[]
}

export interface StreamsSubtopology {
  readonly id: string
  readonly sourceTopics: readonly string[]
  readonly changelogTopics: readonly StreamsTopicInfo[]
  readonly repartitionSinkTopics: readonly string[]
  readonly repartitionSourceTopics: readonly StreamsTopicInfo[]
  /** Indexes into the lists above. */
  readonly copartitionGroups: readonly {
    readonly sourceTopics: readonly number[]
    readonly repartitionSourceTopics: readonly number[]
  }[]
}

export interface StreamsTopology {
  readonly epoch: number
  readonly subtopologies: readonly StreamsSubtopology[]
}

export interface StreamsGroupHeartbeatRequest {
  readonly group: string
  /** Chosen by the member, kept for its whole life. */
  readonly memberId: string
  /** 0 joins, -1 leaves. */
  readonly memberEpoch: number
  readonly instanceId: string | null
  /** −1: as before. */
  readonly rebalanceTimeoutMs: number
  /** With epoch 0 only. */
  readonly topology: StreamsTopology | null
  /** null: as before. */
  readonly activeTasks: readonly StreamsTaskIds[] | null
  readonly standbyTasks: readonly StreamsTaskIds[] | null
  readonly warmupTasks: readonly StreamsTaskIds[] | null
  readonly processId: string | null
}

export interface StreamsGroupHeartbeatAnswer {
  readonly code: number
  readonly message: string | null
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  readonly status: readonly { readonly code: number; readonly detail: string }[]
  /** null: as before. */
  readonly activeTasks: readonly StreamsTaskIds[] | null
  readonly standbyTasks: readonly StreamsTaskIds[] | null
  readonly warmupTasks: readonly StreamsTaskIds[] | null
}

export const streamsGroupHeartbeat: Api<StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatAnswer> =
  api({
    name: 'StreamsGroupHeartbeat',
    key: 88,
    version: 0,
    flexible: true,
    write(writer, request) {
      writer
        .appendString(request.group)
        .appendString(request.memberId)
        .appendInt32(request.memberEpoch)
        .appendInt32(0) // endpoint information epoch: no endpoints here
        .appendString(request.instanceId)
        .appendString(null) // rack
        .appendInt32(request.rebalanceTimeoutMs)
      writeTopology(writer, request.topology)
      writeTasks(writer, request.activeTasks)
      writeTasks(writer, request.standbyTasks)
      writeTasks(writer, request.warmupTasks)
      writer.appendString(request.processId)
      writer.appendInt8(-1) // user endpoint
      writer.appendArray(null, () => {}) // client tags
      writer.appendArray(null, () => {}) // task offsets
      writer.appendArray(null, () => {}) // task end offsets
      writer.appendBoolean(false) // shut the application down
      writer.appendTaggedFields()
    },
    read(reader) {
      reader.readInt32() // throttle time
      const head = {
        code: reader.readInt16(),
        message: reader.readNullableString(),
        memberId: reader.readString(),
        memberEpoch: reader.readInt32(),
        heartbeatIntervalMs: reader.readInt32(),
      }
      reader.readInt32() // acceptable recovery lag
      reader.readInt32() // task offset interval
      const status = reader.readArray((r) => ({ code: r.readInt8(), detail: r.readString() }))
      const activeTasks = readTasks(reader)
      const standbyTasks = readTasks(reader)
      const warmupTasks = readTasks(reader)
      // The rest (endpoints of all members) is not asked for and not read.
      return { ...head, status, activeTasks, standbyTasks, warmupTasks }
    },
  })

function writeTopology(writer: Writer, topology: StreamsTopology | null): void {
  if (topology === null) {
    writer.appendInt8(-1)
    return
  }
  writer.appendInt8(1)
  writer.appendInt32(topology.epoch)
  writer.appendArray([...topology.subtopologies], writeSubtopology)
  writer.appendTaggedFields()
}

function writeSubtopology(writer: Writer, part: StreamsSubtopology): void {
  writer.appendString(part.id)
  writeStrings(writer, part.sourceTopics)
  writeStrings(writer, []) // topics by regular expression
  writeTopicInfos(writer, part.changelogTopics)
  writeStrings(writer, part.repartitionSinkTopics)
  writeTopicInfos(writer, part.repartitionSourceTopics)
  writer.appendArray([...part.copartitionGroups], (w, group) => {
    writeIndexes(w, group.sourceTopics)
    writeIndexes(w, [])
    writeIndexes(w, group.repartitionSourceTopics)
  })
}

function writeTopicInfos(writer: Writer, topics: readonly StreamsTopicInfo[]): void {
  writer.appendArray([...topics], (w, topic) => {
    w.appendString(topic.name)
      .appendInt32(topic.partitions)
      .appendInt16(topic.replicationFactor)
      .appendArray([...topic.configs], (inner, { key, value }) => {
        inner.appendString(key).appendString(value)
      })
  })
}

function writeStrings(writer: Writer, texts: readonly string[]): void {
  writer.appendArray([...texts], (w, text) => void w.appendString(text), true, false)
}

function writeIndexes(writer: Writer, indexes: readonly number[]): void {
  writer.appendArray([...indexes], (w, index) => void w.appendInt16(index), true, false)
}

function writeTasks(writer: Writer, tasks: readonly StreamsTaskIds[] | null): void {
  writer.appendArray(tasks === null ? null : [...tasks], (w, { subtopology, partitions }) => {
    w.appendString(subtopology)
    w.appendArray([...partitions], (inner, one) => void inner.appendInt32(one), true, false)
  })
}

function readTasks(reader: Reader): StreamsTaskIds[] | null {
  return reader.readNullableArray((r) => ({
    subtopology: r.readString(),
    partitions: r.readArray((inner) => inner.readInt32(), true, false),
  }))
}
