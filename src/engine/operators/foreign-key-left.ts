/**
 * A join of tables by a foreign key, the left table's side. (After Kafka Streams, KIP-213, where a
 * hash of the left row tells whether an answer is for the newest one. A hash cannot tell a row from
 * an earlier one with the same value; a number can.)
 *
 * `foreign-key-left`: gives each left row on with a number when it gets another foreign key than it
 * had. Numbers grow. `foreign-key-ask`: says under the old foreign key that the row does not ask
 * for it any more, and under the new one that it does. `foreign-key-right` answers each, and again
 * whenever the right row changes; `foreign-key-answer` sends that back under the row's key.
 * `foreign-key-join` puts answers and rows together: an answer counts if it has the number of the
 * row's last question, in whatever order rows and answers arrive.
 *
 * Store: `<step>`: the last number.
 */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { ForeignKeyLeftSpec } from '../../pipeline/table-spec.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { same } from './table-change.ts'
import type { TableChange } from './table-change.ts'

/** A left row as it goes on, under its own key. */
export interface NumberedRow {
  /** Of the question it asks now; null: as before. */
  readonly number: number | null
  /** The foreign key that it asked for and does not any more; null: none. */
  readonly from: Key | null
  /** The one it asks for now; null: as before, or none. */
  readonly to: Key | null
  readonly row: unknown
  /** Whether it asks for one at all. */
  readonly asks: boolean
}

/** What a foreign key's task is told, under the foreign key. */
export interface Question {
  readonly row: Key
  readonly number: number
  readonly asks: boolean
}

/** What it answers, under the foreign key, then under the row's. */
export interface Answer {
  readonly row: Key
  readonly number: number
  /** `last`: the row has stopped asking, nothing follows for it. */
  readonly kind: 'row' | 'last'
  readonly right: unknown
}

const lastNumber = 'number'

export function foreignKeyLeftOperator(
  { on }: ForeignKeyLeftSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step } = context
  const numbers = context.store({ toState: same, fromState: same })
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    const { before, after } = value as TableChange
    if (before === null && after === null) return
    const had = before === null ? null : (on(before) ?? null)
    const has = after === null ? null : (on(after) ?? null)
    const asks = has !== null
    if (has === had || (has !== null && had !== null && stateKey(has) === stateKey(had))) {
      emit({ number: null, from: null, to: null, row: after, asks }, key, time)
      return
    }
    if (has !== null) stateKey(has) // throws for what is no key
    const number = ((numbers.get(lastNumber) ?? 0) as number) + 1
    numbers.set(lastNumber, number)
    const numbered: NumberedRow = { number, from: had, to: has, row: after, asks }
    emit(numbered, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

export function foreignKeyAskOperator(emit: Push): Operator {
  const push = (value: unknown, key: Key | null, time: number): void => {
    const { number, from, to } = value as NumberedRow
    if (number === null) return
    const row = key as Key // a table's rows have one
    if (from !== null) emit({ row, number, asks: false } satisfies Question, from, time)
    if (to !== null) emit({ row, number, asks: true } satisfies Question, to, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

export function foreignKeyAnswerOperator(emit: Push): Operator {
  return {
    push: (value, _key, time) => emit(value, (value as Answer).row, time),
    second: null,
    stateful: null,
    asynchronous: null,
  }
}
