/**
 * The steps of a table that keep nothing: `map` and `filter` of its rows, `toStream`, `changes`.
 * They take changes; a row that a function gives null for, or does not let through, is not there.
 */
import type { Key } from '../../core/key.ts'
import type { TableFilterSpec, TableMapSpec } from '../../pipeline/table-spec.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import type { TableChange } from './table-change.ts'

export function tableMapOperator({ fn }: TableMapSpec, context: StepContext, emit: Push): Operator {
  const { task, step } = context
  const push = (value: unknown, key: Key | null, time: number): void => {
    const change = value as TableChange
    task.running = step
    const before = change.before === null ? null : (fn(change.before) ?? null)
    const after = change.after === null ? null : (fn(change.after) ?? null)
    emit({ before, after }, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

/** Without `before`, where nobody wants it, rows that go away are not told of. */
export function tableFilterOperator(
  { fn }: TableFilterSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step } = context
  const push = (value: unknown, key: Key | null, time: number): void => {
    const change = value as TableChange
    task.running = step
    const before = change.before !== null && fn(change.before) ? change.before : null
    const after = change.after !== null && fn(change.after) ? change.after : null
    if (before === null && after === null) return
    emit(before === change.before && after === change.after ? value : { before, after }, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

export function tableRowsOperator(emit: Push): Operator {
  const push = (value: unknown, key: Key | null, time: number): void => {
    const { after } = value as TableChange
    if (after !== null) emit(after, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

export function tableChangesOperator(emit: Push): Operator {
  return { push: emit, second: null, stateful: null, asynchronous: null }
}
