/**
 * `join` of a stream with a table as it is now, and with a global table: each record meets the row
 * that is there when it is processed, at once, with its own event time. Changes are applied as they
 * come, whatever their event time; nothing is late.
 *
 * Store: `<step>`: key → row.
 */
import type { Key } from '../../core/key.ts'
import type { GlobalJoinSpec, LatestJoinSpec } from '../../pipeline/join-spec.ts'
import type { Store } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'

/** The second input gives changes of the table. */
export function latestJoinOperator(
  { type }: LatestJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const rows = rowStore(context)
  const { task, step } = context
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const row = rows.get(key) ?? null
    if (row !== null || type === 'left') emit({ left: value, right: row }, key, time)
  }
  const second = (value: unknown, key: Key | null): void => {
    task.running = step
    setRow(rows, step, key, (value as { readonly after: unknown }).after)
  }
  return { push, second, stateful: null, asynchronous: null }
}

/** The second input gives rows; null: deleted. */
export function globalJoinOperator(
  { type, by }: GlobalJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const rows = rowStore(context)
  const { task, step } = context
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null && by === null) throw missingKey(step)
    const at = by === null ? key : (by(value) as Key | null)
    const row = at === null ? null : (rows.get(at) ?? null)
    if (row !== null || type === 'left') emit({ left: value, right: row }, key, time)
  }
  const second = (value: unknown, key: Key | null): void => {
    task.running = step
    setRow(rows, step, key, value)
  }
  return { push, second, stateful: null, asynchronous: null }
}

function rowStore(context: StepContext): Store {
  return context.store({ toState: same, fromState: same })
}

function setRow(rows: Store, step: string, key: Key | null, row: unknown): void {
  if (key === null) throw missingKey(step)
  if (row === null || row === undefined) rows.delete(key)
  else rows.set(key, row)
}

const same = (value: unknown): unknown => value
