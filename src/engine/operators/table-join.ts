/**
 * `join` of two tables by key: the row of a key is the pair of its rows on both sides. A change of
 * either side changes it at once, with the event time of that change. Null stands in for the side
 * that has no row, where the type of join gives rows without partner.
 *
 * Store: `<step>`: key → [left row, right row].
 */
import type { Key } from '../../core/key.ts'
import type { TableJoinSpec } from '../../pipeline/table-spec.ts'
import { absent } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { same } from './table-change.ts'
import type { TableChange } from './table-change.ts'

type Sides = readonly [left: unknown, right: unknown]

/** The second input gives changes of the right table. */
export function tableJoinOperator(
  { type }: TableJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step } = context
  const store = context.store({ toState: same, fromState: same })
  const givesLeft = type === 'left' || type === 'full'
  const givesRight = type === 'right' || type === 'full'
  const pairOf = ([left, right]: Sides): unknown => {
    const isWhole = left !== null && right !== null
    const isGiven = isWhole || (left === null ? right !== null && givesRight : givesLeft)
    return isGiven ? { left, right } : null
  }
  const take = (side: 0 | 1, change: TableChange, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = store.namespace(0)
    const entry = store.find(keys, key)
    const old = entry === undefined || entry.value === absent ? nothing : (entry.value as Sides)
    const { after } = change
    const now: Sides = side === 0 ? [after, old[1]] : [old[0], after]
    const isGone = now[0] === null && now[1] === null
    if (entry !== undefined) store.write(entry, isGone ? absent : now)
    else if (!isGone) store.make(keys, key, now)
    const pair = { before: pairOf(old), after: pairOf(now) }
    if (pair.before !== null || pair.after !== null) emit(pair, key, time)
  }
  return {
    push: (value, key, time) => take(0, value as TableChange, key, time),
    second: (value, key, time) => take(1, value as TableChange, key, time),
    stateful: null,
    asynchronous: null,
  }
}

const nothing: Sides = [null, null]
