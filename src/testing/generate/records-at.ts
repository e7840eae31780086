/** Values and times as records of a topic. */
import type { Key } from '../../core/key.ts'
import { validator } from '../../core/schema.ts'
import type { TopicSpec } from '../../pipeline/node.ts'
import type { SimulatedRecord } from '../simulate/simulation-input.ts'
import { findTime, type PutTime, type ReadValue, timeOf } from './event-time.ts'

export interface RecordPlan {
  readonly value: unknown
  /** Event time to be, ms. */
  readonly timeMs: number
  /** For a topic whose key is the record's own. */
  readonly key: Key
}

/** Values that are tried to find where their time is: an optional member may be missing in some. */
const samplesMax = 20

/**
 * Records with a record time that is their event time. Where the topic reads its event time from
 * the value, the time is put there; where no member is found that decides over it, the value stays
 * as it is, with the time it has.
 */
export function recordsAt(spec: TopicSpec, plans: readonly RecordPlan[]): SimulatedRecord[] {
  const read = readerOf(spec)
  const put = timePutter(spec, plans, read)
  return plans.map((plan) => recordAt(spec, plan, { read, put }))
}

/** As the engine reads a record's value: encoded, decoded, through the schema. */
export function readerOf(spec: TopicSpec): ReadValue {
  const validate =
    spec.schema === null ? (value: unknown) => value : validator(spec.schema, { topic: spec.name })
  return (value) => {
    const bytes = Buffer.from(spec.codec.encode(value))
    return validate(spec.codec.decode(bytes, 0, bytes.length))
  }
}

function timePutter(
  spec: TopicSpec,
  plans: readonly RecordPlan[],
  read: ReadValue,
): PutTime | null {
  const { time } = spec
  if (time === null) return null
  for (const { value } of plans.slice(0, samplesMax)) {
    const put = findTime(value, { time, read })
    if (put !== null) return put
  }
  return null
}

function recordAt(
  spec: TopicSpec,
  { value: given, timeMs, key }: RecordPlan,
  { read, put }: { readonly read: ReadValue; readonly put: PutTime | null },
): SimulatedRecord {
  const { name: topic, time } = spec
  const moved = put === null ? given : put(given, timeMs)
  const isRight = time === null || timeOf(moved, { time, read }) === timeMs
  const value = isRight ? moved : given
  const own = time === null ? timeMs : (timeOf(value, { time, read }) ?? timeMs)
  const found = spec.key === 'record' ? key : keyOf(spec, value, read)
  return { topic, value, time: own, ...(found === null ? {} : { key: found }) }
}

/** What the topic's key function gives for a value; null: nothing, or it throws. */
export function keyOf(spec: TopicSpec, value: unknown, read: ReadValue): Key | null {
  if (typeof spec.key !== 'function') return null
  try {
    return spec.key(read(value))
  } catch {
    return null // the record becomes a dead letter, as in a real run
  }
}
