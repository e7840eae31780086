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
import { Call, CallPool } from '../calls/call-pool.ts'
import type { Outcome } from '../calls/call-pool.ts'
import { OrderedResults, resultsMax } from '../calls/ordered-results.ts'
import { RowCache } from '../calls/row-cache.ts'
import type { StateKey } from '../state/key-map.ts'
import type { Asynchronous, Operator, Push, StepContext } from './operator.ts'

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
    asynchronous: join,
  }
}

class LookupJoin implements Asynchronous {
  readonly #spec: LookupJoinSpec
  readonly #context: StepContext
  readonly #emit: Push
  readonly #pool: CallPool
  readonly #results: OrderedResults<Outcome | Call>
  readonly #cache: RowCache
  /** Of each key that is asked for now. */
  readonly #asked: Map<StateKey, Call> = new Map()
  #outcome: Outcome = noRow
  readonly #give: Push = (value, key, timeMs) => {
    if (this.#outcome.kind === 'answer') {
      this.#join(value, key, timeMs, this.#outcome.value ?? null)
      return
    }
    this.#context.task.running = this.#context.step
    throw this.#outcome.thrown
  }

  constructor(spec: LookupJoinSpec, context: StepContext, emit: Push) {
    this.#spec = spec
    this.#context = context
    this.#emit = emit
    this.#pool = new CallPool(spec.calls, context.task.outside)
    // The call of a record that is undone goes on: others may wait for it too, and the cache.
    this.#results = new OrderedResults(context, () => {})
    this.#cache = new RowCache(spec.cache)
  }

  take(value: unknown, key: Key | null, time: number): void {
    const { task, step } = this.#context
    task.running = step
    const wanted = this.#spec.by(value) as Key | null | undefined
    const known = wanted === null || wanted === undefined ? null : this.#find(wanted)
    if (known instanceof Call) this.#results.add(value, key, time, known)
    else if (this.#results.size === 0) this.#join(value, key, time, known)
    else this.#results.add(value, key, time, { kind: 'answer', value: known })
  }

  get pending(): number {
    return this.#results.size
  }

  get isFull(): boolean {
    return this.#pool.isFull || this.#results.size >= resultsMax
  }

  get callsUnderWay(): number {
    return this.#pool.underWay
  }

  holdMs(): number {
    return this.#results.oldest?.watermarkMs ?? Number.POSITIVE_INFINITY
  }

  deliver(): 'delivered' | 'waiting' {
    const { oldest } = this.#results
    if (oldest === undefined) return 'waiting'
    const outcome = oldest.call instanceof Call ? oldest.call.outcome : oldest.call
    if (outcome === null) return 'waiting'
    this.#results.take()
    this.#outcome = outcome
    const { value, key, timeMs, cause } = oldest
    this.#context.task.emitAtomic(this.#give, value, key, timeMs, cause)
    return 'delivered'
  }

  close(): void {
    this.#pool.close()
    this.#results.clear()
    this.#asked.clear()
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
    this.#pool.add(call)
    return call
  }

  #join(left: unknown, key: Key | null, timeMs: number, right: unknown): void {
    if (right === null && this.#spec.type === 'inner') return
    this.#emit({ left, right }, key, timeMs)
  }
}

const noRow: Outcome = { kind: 'answer', value: null }
