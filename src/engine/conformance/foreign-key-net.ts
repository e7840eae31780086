/**
 * A join of tables on a foreign key over several tasks, as a net of queues: the left table's task,
 * two tasks of foreign keys, and the task of the result. Each queue keeps its order; which one is
 * read next is left to chance, and so are restarts. At rest, the result must be that of a nested
 * loop over both tables; when both are empty, nothing may be kept.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Key } from '../../core/key.ts'
import { foreignKeyJoinOperator } from '../operators/foreign-key-join.ts'
import {
  foreignKeyAnswerOperator,
  foreignKeyAskOperator,
  foreignKeyLeftOperator,
} from '../operators/foreign-key-left.ts'
import { foreignKeyRightOperator } from '../operators/foreign-key-right.ts'
import type { Operator, StepContext } from '../operators/operator.ts'
import type { TableChange } from '../operators/table-change.ts'
import { OperatorRun } from './operator-run.ts'

interface LeftRow {
  readonly of: number | null
  readonly at: number
}

/** Changes the row of a key; `of`: the left row's foreign key, or that it goes. */
interface Act {
  readonly side: 'left' | 'right'
  readonly key: number
  readonly of: number | null | 'gone'
}

const act: fc.Arbitrary<Act> = fc.record({
  side: fc.constantFrom('left', 'left', 'right'),
  key: fc.integer({ min: 0, max: 2 }),
  of: fc.constantFrom<Act['of'][]>(0, 1, 2, 3, null, 'gone'),
})

/** How often something was met: so that a check that exercises nothing can be noticed. */
export interface NetWork {
  changes: number
  outdated: number
}

/** @throws with the seed and the smallest case found */
export function checkForeignKey(check: { readonly runs: number; readonly seed?: number }): NetWork {
  const work: NetWork = { changes: 0, outdated: 0 }
  const acts = fc.array(act, { minLength: 1, maxLength: 40 })
  const chances = fc.array(fc.nat({ max: 11 }), { minLength: 1, maxLength: 60 })
  const property = fc.property(
    fc.constantFrom('inner', 'left'),
    acts,
    chances,
    (type, all, order) => {
      const net = new Net(type, order)
      for (const [at, one] of all.entries()) net.act(one, at)
      net.rest()
      assert.deepEqual(net.result, net.expected(), 'at rest')
      net.empty(all.length)
      assert.deepEqual([...net.result], [], 'when all has gone')
      assert.equal(net.keptEntries, 0, 'nothing is kept')
      work.changes += net.changes
      work.outdated += net.outdated
    },
  )
  const seed = check.seed === undefined ? {} : { seed: check.seed }
  fc.assert(property, { numRuns: check.runs, ...seed })
  return work
}

interface Parcel {
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
}

/** Values say which input they are for. */
type Sent = { readonly input: 'first' | 'second'; readonly value: unknown }

function twoInputs(operator: Operator): Operator {
  return {
    ...operator,
    push: (value, key, timeMs) => {
      const { input, value: sent } = value as Sent
      const push = input === 'first' ? operator.push : operator.second
      push?.(sent, key, timeMs)
    },
  }
}

class Net {
  readonly #type: 'inner' | 'left'
  readonly #order: readonly number[]
  #step = 0
  readonly #left = new OperatorRun(leftOperator)
  readonly #rights = [0, 1].map(() => {
    return new OperatorRun((context, { main }) => twoInputs(foreignKeyRightOperator(context, main)))
  })
  readonly #join: OperatorRun
  /** Numbered rows to the result's task. */
  readonly #rows: Parcel[] = []
  /** Questions, and changes of the right table, to each task of foreign keys. */
  readonly #questions: Parcel[][] = [[], []]
  readonly #changes: Parcel[][] = [[], []]
  readonly #answers: Parcel[][] = [[], []]
  readonly #tables = { left: new Map<number, LeftRow>(), right: new Map<number, unknown>() }
  readonly result = new Map<Key | null, unknown>()
  changes = 0
  outdated = 0

  constructor(type: 'inner' | 'left', order: readonly number[]) {
    this.#type = type
    this.#order = order
    this.#join = new OperatorRun((context, { main }) => {
      return twoInputs(foreignKeyJoinOperator({ kind: 'foreign-key-join', type }, context, main))
    })
  }

  get keptEntries(): number {
    const [first, second] = this.#rights as [OperatorRun, OperatorRun]
    for (const run of [first, second, this.#join]) run.commit() // takes out what is deleted
    return first.stateEntries + second.stateEntries + this.#join.stateEntries
  }

  act({ side, key, of }: Act, at: number): void {
    if (side === 'left') {
      const after = of === 'gone' ? null : { of, at }
      const before = this.#tables.left.get(key) ?? null
      if (after === null) this.#tables.left.delete(key)
      else this.#tables.left.set(key, after)
      for (const { output, ...parcel } of taken(this.#left, { before, after }, key, at)) {
        if (output === 'rows') this.#rows.push(parcel)
        else this.#questions[Number(parcel.key) % 2]?.push(parcel)
      }
    } else {
      const after = of === 'gone' ? null : { right: key, at }
      if (after === null) this.#tables.right.delete(key)
      else this.#tables.right.set(key, after)
      this.#changes[key % 2]?.push({ value: { before: null, after }, key, timeMs: at })
    }
    this.#deliver(this.#next() % 4)
  }

  /** Takes all rows away. */
  empty(at: number): void {
    for (const side of ['left', 'right'] as const) {
      for (const key of this.#tables[side].keys()) this.act({ side, key, of: 'gone' }, at)
    }
    this.rest()
  }

  expected(): Map<Key, unknown> {
    const pairs = new Map<Key, unknown>()
    for (const [key, row] of this.#tables.left) {
      const right = (row.of === null ? null : this.#tables.right.get(row.of)) ?? null
      if (right !== null || this.#type === 'left') pairs.set(key, { left: row, right })
    }
    return pairs
  }

  rest(): void {
    while (this.#waiting().length > 0) this.#deliver(1)
  }

  #next(): number {
    return this.#order[this.#step++ % this.#order.length] as number
  }

  #waiting(): { readonly queue: Parcel[]; readonly deliver: (parcel: Parcel) => void }[] {
    const queues = [
      { queue: this.#rows, deliver: (parcel: Parcel) => this.#toJoin('first', parcel) },
      ...[0, 1].flatMap((task) => [
        { queue: this.#questions[task], deliver: (p: Parcel) => this.#toRight('first', task, p) },
        { queue: this.#changes[task], deliver: (p: Parcel) => this.#toRight('second', task, p) },
        { queue: this.#answers[task], deliver: (p: Parcel) => this.#toJoin('second', p) },
      ]),
    ]
    return queues.flatMap(({ queue = [], deliver }) =>
      queue.length > 0 ? [{ queue, deliver }] : [],
    )
  }

  #deliver(count: number): void {
    for (let i = 0; i < count; i++) {
      const waiting = this.#waiting()
      const chosen = waiting[this.#next() % waiting.length]
      const parcel = chosen?.queue.shift()
      if (chosen === undefined || parcel === undefined) return
      chosen.deliver(parcel)
      if (this.#next() === 0) for (const run of [...this.#rights, this.#join]) run.restart()
    }
  }

  #toRight(input: Sent['input'], task: number, { value, key, timeMs }: Parcel): void {
    const run = this.#rights[task] as OperatorRun
    const answer = foreignKeyAnswerOperator((answered, row, at) => {
      this.#answers[task]?.push({ value: answered, key: row, timeMs: at })
    })
    for (const given of taken(run, { input, value }, key, timeMs)) {
      answer.push(given.value, given.key, given.timeMs)
    }
  }

  #toJoin(input: Sent['input'], { value, key, timeMs }: Parcel): void {
    const given = taken(this.#join, { input, value }, key, timeMs)
    if (given.length === 0 && input === 'second') this.outdated += 1
    for (const { value: change } of given) {
      const { before, after } = change as TableChange
      assert.deepEqual(before, this.result.get(key) ?? null, 'the row before')
      if (after === null) this.result.delete(key)
      else this.result.set(key, after)
      this.changes += 1
    }
  }
}

/** Its main output goes to the result's task, `ask` to those of foreign keys. */
function leftOperator(
  context: StepContext,
  { named }: { named(name: string): Operator['push'] },
): Operator {
  const ask = foreignKeyAskOperator(named('questions'))
  const rows = named('rows')
  const on = (row: unknown): number | null => (row as LeftRow).of
  return foreignKeyLeftOperator({ kind: 'foreign-key-left', on }, context, (value, key, timeMs) => {
    rows(value, key, timeMs)
    ask.push(value, key, timeMs)
  })
}

/** What one record gives. */
function taken(run: OperatorRun, value: unknown, key: Key | null, timeMs: number) {
  run.notes = []
  run.take(value, key, timeMs)
  return run.notes
}
