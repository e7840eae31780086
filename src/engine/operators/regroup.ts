/**
 * `groupBy` of a table: gives each row's change on under the key of its group. A row that stays in
 * its group is one change there; one that moves is taken out of the old group, and put into the new
 * one. What the group's step takes of a row is computed here: where the user's function throws, the
 * row's change is undone as a whole, also where groups are in other tasks. Keeps nothing.
 */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { RegroupSpec } from '../../pipeline/table-spec.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import type { TableChange } from './table-change.ts'

export function regroupOperator(
  { by, extract }: RegroupSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step } = context
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    const { before, after } = value as TableChange
    const rowKey = key as Key // a table's rows have one
    const from = before === null ? null : by(before)
    const to = after === null ? null : by(after)
    const old = before === null ? null : extract(before, rowKey)
    const now = after === null ? null : extract(after, rowKey)
    const isMove =
      before !== null && after !== null && stateKey(from as Key) !== stateKey(to as Key)
    if (isMove) {
      emit({ before: old, after: null }, from, time)
      emit({ before: null, after: now }, to, time)
      return
    }
    const group = after === null ? from : to
    if (before === null && after === null) return
    stateKey(group as Key) // throws for what is no key
    emit({ before: old, after: now }, group, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}
