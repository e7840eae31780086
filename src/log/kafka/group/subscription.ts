/**
 * What members tell the group's leader and what it tells them, written as Kafka's consumers write
 * it (ConsumerProtocol, version 3), so that Kafka's own tools show who reads what. What only
 * Millrace understands lies in the free field for user data, as JSON.
 */
import { checkedReader } from '../wire/checked-reader.ts'
import { Reader, Writer } from '../wire/library-parts.ts'
import type { TaskInfo, TopicPartition } from '../../log.ts'
import type { PlanShape } from './plan-shape.ts'

/** Kafka's tools read the metadata of groups of this type. */
export const protocolType = 'consumer'
/** An ordinary consumer has no assignor of this name, so the broker keeps it out of the group. */
export const protocolName = 'millrace'

const wireVersion = 3
/** Of the user data. */
const formatVersion = 1

/** From a member to the leader. */
export interface Subscription {
  readonly plan: PlanShape
  readonly owned: readonly string[]
  /** Being given up: not yet free. */
  readonly leaving: readonly string[]
  /** The member has a copy of their state. */
  readonly warm: readonly string[]
  readonly standbys: readonly string[]
  /** The generation in which it was given what it owns; -1: none. */
  readonly generation: number
  /** Counts up where the leader must look again though nothing else has changed. */
  readonly round: number
}

/** From the leader to a member. */
export interface Assignment {
  /** `PlanShape.hash` for which it was made. */
  readonly plan: string
  readonly tasks: readonly string[]
  readonly standbys: readonly string[]
  /** What the member has or is closing, and shall be free of; once it is, it joins again. */
  readonly revoke: readonly string[]
  /** Why the member gets nothing and must go; null: it is welcome. */
  readonly refused: string | null
}

export interface Encoding {
  /** Topics that any task reads. */
  readonly topics: readonly string[]
  /** The partitions that only this task reads. */
  readonly partitionsOf: (task: string) => readonly TopicPartition[]
}

export function encodingOf(infos: readonly TaskInfo[]): Encoding {
  const topics = new Set<string>()
  const partitions = new Map<string, readonly TopicPartition[]>()
  for (const { task, inputs } of infos) {
    for (const { topic } of inputs) topics.add(topic)
    const own = inputs.filter(({ isShared }) => !isShared)
    partitions.set(task, own)
  }
  return { topics: [...topics], partitionsOf: (task) => partitions.get(task) ?? [] }
}

export function encodeSubscription(subscription: Subscription, encoding: Encoding): Buffer {
  const { generation, ...rest } = subscription
  const writer = Writer.create()
  writer.appendInt16(wireVersion)
  writer.appendArray(
    [...encoding.topics],
    (w, topic) => void w.appendString(topic, false),
    false,
    false,
  )
  writer.appendBytes(userData(rest), false)
  writePartitions(writer, [...rest.owned, ...rest.leaving].flatMap(encoding.partitionsOf))
  writer.appendInt32(generation)
  writer.appendString(null, false) // rack
  return writer.buffer
}

/** @returns null where it is not one that this version of Millrace understands */
export function decodeSubscription(bytes: Buffer): Subscription | null {
  try {
    const reader = checkedReader(Reader.from(bytes))
    const version = reader.readInt16()
    reader.readArray((r) => r.readString(false), false, false)
    const data = record(reader.readNullableBytes(false))
    readPartitions(reader)
    const generation = version >= 2 ? reader.readInt32() : -1
    const plan = data === null ? null : field(data, 'plan')
    if (data === null || plan === null) return null
    const hash = plan['hash']
    const round = data['round']
    if (typeof hash !== 'string' || typeof round !== 'number') return null
    return {
      plan: { hash, parts: texts(plan['parts']) },
      owned: texts(data['owned']),
      leaving: texts(data['leaving']),
      warm: texts(data['warm']),
      standbys: texts(data['standbys']),
      generation,
      round,
    }
  } catch {
    return null // cut short: not written by us
  }
}

export function encodeAssignment(assignment: Assignment, encoding: Encoding): Buffer {
  const writer = Writer.create()
  writer.appendInt16(wireVersion)
  writePartitions(writer, assignment.tasks.flatMap(encoding.partitionsOf))
  writer.appendBytes(userData(assignment), false)
  return writer.buffer
}

/** @returns null where it is not one that this version of Millrace understands */
export function decodeAssignment(bytes: Buffer): Assignment | null {
  try {
    const reader = checkedReader(Reader.from(bytes))
    reader.readInt16()
    readPartitions(reader)
    const data = record(reader.readNullableBytes(false))
    if (data === null) return null
    const { plan, refused } = data
    if (typeof plan !== 'string') return null
    return {
      plan,
      tasks: texts(data['tasks']),
      standbys: texts(data['standbys']),
      revoke: texts(data['revoke']),
      refused: typeof refused === 'string' ? refused : null,
    }
  } catch {
    return null
  }
}

function userData(fields: object): Buffer {
  return Buffer.from(JSON.stringify({ format: formatVersion, ...fields }))
}

function record(bytes: Buffer | null): Record<string, unknown> | null {
  if (bytes === null) return null
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  return isRecord(value) && value['format'] === formatVersion ? value : null
}

function field(data: Record<string, unknown>, name: string): Record<string, unknown> | null {
  const value = data[name]
  return isRecord(value) ? value : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.filter((one) => typeof one === 'string')
}

function writePartitions(
  writer: InstanceType<typeof Writer>,
  partitions: readonly TopicPartition[],
): void {
  const byTopic = new Map<string, Set<number>>()
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic)
    if (known === undefined) byTopic.set(topic, new Set([partition]))
    else known.add(partition)
  }
  writer.appendArray(
    [...byTopic],
    (w, [topic, numbers]) => {
      w.appendString(topic, false)
      w.appendArray([...numbers], (inner, one) => void inner.appendInt32(one), false, false)
    },
    false,
    false,
  )
}

/** Only for tools: what counts are the tasks in the user data. */
function readPartitions(reader: InstanceType<typeof Reader>): void {
  reader.readArray(
    (r) => {
      r.readString(false)
      r.readArray((inner) => inner.readInt32(), false, false)
    },
    false,
    false,
  )
}
