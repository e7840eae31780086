/**
 * A join of tables by a foreign key, the result: left rows with the answers to their last question.
 * A row that has asked anew keeps its result until the answer is there, so that it changes once.
 * The whole is described in `foreign-key-left.ts`.
 *
 * Rows and answers may come in any order: an answer with a greater number than the row's waits for
 * its row, one with a smaller number is outdated. A row that has gone is forgotten when the last
 * answer to each of its questions has come: no outdated one can come after that.
 *
 * Store: `<step>`: key → `Held`.
 */
import type { Key } from '../../core/key.ts'
import type { ForeignKeyJoinSpec } from '../../pipeline/table-spec.ts'
import type { Answer, NumberedRow } from './foreign-key-left.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'

interface Held {
  /** Of the row's last question; 0: none. */
  readonly number: number
  /** The left row; null: it is not there. */
  readonly row: unknown
  readonly asks: boolean
  /** Number of the newest answer, the right row that it gave, and its event time. */
  readonly answered: number
  readonly right: unknown
  readonly answeredMs: number
  /** Last answers still to come; below 0 where they came before the row did. */
  readonly owed: number
  /** The result given last. */
  readonly shown: { readonly left: unknown; readonly right: unknown } | null
}

const nothing: Held = {
  number: 0,
  row: null,
  asks: false,
  answered: 0,
  right: null,
  answeredMs: Number.NEGATIVE_INFINITY,
  owed: 0,
  shown: null,
}

/** The first input gives numbered rows, the second answers. */
export function foreignKeyJoinOperator(
  { type }: ForeignKeyJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step } = context
  const store = context.store({ toState, fromState })
  const settle = (key: Key, held: Held, time: number): void => {
    const { row, asks, number, answered, shown, owed } = held
    if (row !== null && asks && answered !== number) {
      store.set(key, held) // until the answer is there
      return
    }
    const right = asks ? held.right : null
    const isRow = row !== null && (right !== null || type === 'left')
    const isSame = isRow && shown !== null && shown.left === row && shown.right === right
    const next = isSame ? shown : isRow ? { left: row, right } : null
    if (row === null && owed === 0 && answered <= number) store.delete(key)
    else store.set(key, { ...held, shown: next })
    if (next !== shown) emit({ before: shown, after: next }, key, time)
  }
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const held = (store.get(key) ?? nothing) as Held
    const { number, row, asks, from } = value as NumberedRow
    const owed = held.owed + (from === null ? 0 : 1)
    const next = { ...held, number: number ?? held.number, row, asks, owed }
    const isAnswered = number !== null && held.answered === number
    settle(key, next, isAnswered ? Math.max(time, held.answeredMs) : time)
  }
  const second = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const held = (store.get(key) ?? nothing) as Held
    const { number, kind, right } = value as Answer
    if (kind === 'last') settle(key, { ...held, owed: held.owed - 1 }, time)
    else if (number >= held.number && number >= held.answered) {
      settle(key, { ...held, answered: number, right, answeredMs: time }, time)
    }
  }
  return { push, second, stateful: null, asynchronous: null }
}

/** The result given last is mostly made of the rows that are held: those are not written twice. */
function toState(value: unknown): unknown {
  const { number, row, asks, answered, right, answeredMs, owed, shown } = value as Held
  const isHeld = shown !== null && shown.left === row && shown.right === (asks ? right : null)
  return [number, row, asks, answered, right, answeredMs, owed, isHeld ? true : shown]
}

function fromState(state: unknown): Held {
  const [number, row, asks, answered, right, answeredMs, owed, kept] = state as [
    number,
    unknown,
    boolean,
    number,
    unknown,
    number,
    number,
    Held['shown'] | true,
  ]
  const shown = kept === true ? { left: row, right: asks ? right : null } : kept
  return { number, row, asks, answered, right, answeredMs, owed, shown }
}
