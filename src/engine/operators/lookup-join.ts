/**
 * `join` with a lookup: each record with the row that a function finds outside for a key of it.
 * Results come in the order of the records. A key is asked for once at a time: records that come
 * meanwhile wait for the same answer. A row that is in the cache, with nothing waiting, is joined
 * at once.
 *
 * The cache is no state: after a restart rows are asked for again, and a record that is processed
 * again may meet another row.
 */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { LookupJoinSpec } from '../../pipeline/map-async-spec.ts'
import { Call } from '../calls/call-pool.ts'
import type { Outcome } from '../calls/call-pool.ts'
import { OrderedResults } from '../calls/ordered-results.ts'
import { RowCache } from '../calls/row-cache.ts'
import type { StateKey } from '../state/key-map.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function lookupJoinOperator(
  spec: LookupJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const join = new LookupJoin(spec, context, emit)
  return {
    push: (value, key, time) => join.take(value, key, time),
    second: null,
    stateful: null,
    asynchronous: join.results,
  }
}

class LookupJoin {
  readonly results: OrderedResults
  readonly #spec: LookupJoinSpec
  readonly #context: StepContext
  readonly #emit: Push
  readonly #cache: RowCache
  /** Of each key that is asked for now. */
  readonly #asked: Map<StateKey, Call> = new Map()
  #outcome: Outcome = noRow
  readonly #give: Push = (value, key, timeMs) => {
    this.#context.task.running = this.#context.step
    if (this.#outcome.kind === 'answer') {
      this.#join(value, key, timeMs, this.#outcome.value ?? null)
      return
    }
    throw this.#outcome.thrown
  }

  constructor(spec: LookupJoinSpec, context: StepContext, emit: Push) {
    this.#spec = spec
    this.#context = context
    this.#emit = emit
    this.#cache = new RowCache(spec.cache)
    this.results = new OrderedResults({
      context,
      calls: spec.calls,
      give: ({ value, key, timeMs, cause }, outcome) => {
        this.#outcome = outcome
        context.task.emitAtomic(this.#give, value, key, timeMs, cause)
      },
      // The call of a record that is undone goes on: others may wait for it too, and the cache.
      onUndone: () => {},
    })
  }

  take(value: unknown, key: Key | null, time: number): void {
    const { task, step } = this.#context
    task.running = step
    const wanted = this.#spec.by(value) as Key | null | undefined
    const known = wanted === null || wanted === undefined ? null : this.#find(wanted)
    if (known instanceof Call) this.results.add(value, key, time, known)
    else if (this.results.pending === 0) this.#join(value, key, time, known)
    else this.results.add(value, key, time, { kind: 'answer', value: known })
  }

  /** @returns the row, null where there is none, or the call that will find it */
  #find(wanted: Key): unknown {
    const { task } = this.#context
    const id = stateKey(wanted)
    const row = this.#cache.get(id, task.nowMs)
    if (row !== undefined) return row
    const asked = this.#asked.get(id)
    if (asked !== undefined) return asked
    const call = new Call(
      (info) => this.#spec.fn(wanted, info),
      (outcome) => {
        this.#asked.delete(id)
        if (outcome.kind === 'answer') this.#cache.set(id, outcome.value ?? null, task.nowMs)
      },
    )
    this.#asked.set(id, call)
    this.results.pool.add(call)
    return call
  }

  #join(left: unknown, key: Key | null, timeMs: number, right: unknown): void {
    if (right === null && this.#spec.type === 'inner') return
    this.#emit({ left, right }, key, timeMs)
  }
}

const noRow: Outcome = { kind: 'answer', value: null }
