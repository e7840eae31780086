/**
 * `changes` of a stream: a record is given, with the one given before, when what is looked at
 * differs from that one's. Plain data are compared by content, numbers as `Object.is` does: NaN is
 * NaN, −0 is not 0. Never late.
 *
 * Store: `<step>`: key → the record given last. It grows with the number of keys.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Key } from '../../core/key.ts'
import type { ChangesSpec } from '../../pipeline/table-spec.ts'
import { absent } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { same } from './table-change.ts'

export function changesOperator({ of }: ChangesSpec, context: StepContext, emit: Push): Operator {
  const { task, step } = context
  const store = context.store({ toState: same, fromState: same })
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = store.namespace(0)
    const entry = store.find(keys, key)
    const seen = of === null ? value : of(value)
    if (entry === undefined || entry.value === absent) {
      if (entry === undefined) store.make(keys, key, value)
      else store.write(entry, value)
      emit({ before: null, after: value }, key, time)
      return
    }
    const before = entry.value
    if (isAlike(seen, of === null ? before : of(before))) return
    store.write(entry, value)
    emit({ before, after: value }, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

function isAlike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  return typeof a === 'object' && typeof b === 'object' && isDeepStrictEqual(a, b)
}
