/**
 * `aggregate` and `reduce` without a window: one kept value for each key, one result for each
 * record, with the record's event time. Stores: `<step>`: key → kept value. It grows with the
 * number of keys. Never late.
 */
import type { Key } from '../../core/key.ts'
import type { AggregateNode, ReduceNode } from '../../pipeline/node.ts'
import { absent } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import { foldOf } from './fold.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function runningFoldOperator(
  node: AggregateNode | ReduceNode,
  context: StepContext,
  emit: Push,
): Operator {
  const fold = foldOf(node)
  const { task, step } = context
  const store = context.store({ toState: fold.toState, fromState: fold.fromState })
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = store.namespace(0)
    const entry = store.find(keys, key)
    let kept: unknown
    if (entry === undefined) {
      kept = fold.first(value)
      store.make(keys, key, kept)
    } else {
      kept = entry.value === absent ? fold.first(value) : fold.add(entry.value, value)
      store.write(entry, kept)
    }
    emit(fold.result(key, kept, null), key, time)
  }
  return { push, second: null, asynchronous: null, stateful: null }
}
