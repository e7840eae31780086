/**
 * `table` and `toTable`: the newest record of a key, by order of arrival, is its row; null deletes
 * it. (As Kafka Streams reads a KTable.) Event time does not matter, nothing is late.
 *
 * Rows are kept only where a step behind looks at what was before a change. Without, a null for a
 * key that has no row is given on as a deletion, too.
 *
 * Stores: `<step>`: key → row; `<step>/keys`: the type of the keys, where they are no text. A
 * tombstone of a topic has no value to compute the key from: its key is the text that the topic
 * has, and is made to be of that type.
 */
import { keyOfState } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { same } from './table-change.ts'

export function toTableOperator(context: StepContext, emit: Push): Operator {
  const { task, step } = context
  const types = context.store({ part: 'keys', toState: same, fromState: same })
  const rows = context.wantsBefore ? context.store({ toState: same, fromState: same }) : null
  const push = (value: unknown, given: Key | null, time: number): void => {
    task.running = step
    if (given === null) throw missingKey(step)
    const after = value ?? null
    const key = typedKey(types, given, after)
    if (rows === null) {
      emit({ before: null, after }, key, time)
      return
    }
    const keys = rows.namespace(0)
    const entry = rows.find(keys, key)
    const before = entry === undefined || entry.value === absent ? null : entry.value
    if (before === null && after === null) return
    if (entry === undefined) rows.make(keys, key, after)
    else rows.write(entry, after ?? absent)
    emit({ before, after }, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

/** A topic's keys are of one type. */
function typedKey(types: Store, key: Key, row: unknown): Key {
  if (typeof key !== 'string') {
    if (types.get(typeName) === undefined) types.set(typeName, typeof key)
    return key
  }
  return row === null ? keyOfText(key, types.get(typeName)) : key
}

const typeName = 'type'

/** The inverse of `encodeKey`, for keys of that type. A text that is none of them stays. */
function keyOfText(text: string, type: unknown): Key {
  switch (type) {
    case 'number':
      return Number(text)
    case 'bigint':
      return /^-?\d+$/.test(text) ? BigInt(text) : text
    case 'boolean':
      return text === 'true'
    case 'object':
      return text.startsWith('[') ? keyOfState(`\0a${text}`) : text
    default:
      return text
  }
}
