/**
 * `aggregate` and `reduce` without a window: a table with one row for each key, which each of its
 * records changes, with the record's event time. Stores: `<step>`: key → kept value. It grows with
 * the number of keys, unless rows have a time to live (`running-fold-ttl.ts`). Never late.
 */
import type { Key } from '../../core/key.ts'
import type { AggregateNode, ReduceNode } from '../../pipeline/node.ts'
import { absent } from '../state/store.ts'
import { fadingFoldOperator } from './running-fold-ttl.ts'
import { missingKey } from './missing-key.ts'
import { foldOf } from './fold.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function runningFoldOperator(
  node: AggregateNode | ReduceNode,
  context: StepContext,
  emit: Push,
): Operator {
  const fold = foldOf(node)
  if (node.ttlMs !== null) return fadingFoldOperator(fold, node.ttlMs, context, emit)
  const { task, step, wantsBefore } = context
  const store = context.store({ toState: fold.toState, fromState: fold.fromState })
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = store.namespace(0)
    const entry = store.find(keys, key)
    let kept: unknown
    let before: unknown = null
    if (entry === undefined) {
      kept = fold.first(value)
      store.make(keys, key, kept)
    } else if (entry.value === absent) {
      kept = fold.first(value)
      store.write(entry, kept)
    } else {
      // Of the value kept before, as long as it is the newest: that is the cheapest.
      if (wantsBefore) before = fold.result(key, entry.value, null)
      kept = fold.add(entry.value, value)
      store.write(entry, kept)
    }
    emit({ before, after: fold.result(key, kept, null) }, key, time)
  }
  return { push, second: null, asynchronous: null, stateful: null }
}
