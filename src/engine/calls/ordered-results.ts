/**
 * Records that wait for an answer from outside, in the order in which they came: their results are
 * given on in that order. What `mapAsync` and lookups share.
 *
 * A record is atomic (O4): where a later step throws at a record that this step has taken already,
 * it must be forgotten here too. So each one has a number, and the largest is kept in a store: what
 * is undone takes it back, and records with a larger one are not pending any more.
 *
 * Store `<step>/taken`: 0 → how many records were taken.
 */
import type { Key } from '../../core/key.ts'
import type { CallSpec } from '../../pipeline/map-async-spec.ts'
import type { Asynchronous, Cause, StepContext } from '../operators/operator.ts'
import type { Store } from '../state/store.ts'
import { unchanged } from '../state/unchanged.ts'
import { Call, CallPool } from './call-pool.ts'
import type { Outcome } from './call-pool.ts'

/** Results that are there may wait for an older one: this many records at most are taken. */
export const resultsMax = 1024

/** A record whose result has not been given on. */
export interface Pending {
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
  readonly cause: Cause | null
  /** Event time that held when it came. */
  readonly watermarkMs: number
  readonly number: number
  /** What it waits for, or what was known when it came. */
  readonly answer: Call | Outcome
}

export interface OrderedResultsOptions {
  readonly context: StepContext
  readonly calls: CallSpec
  /** Gives on what has come of a record. Between records. */
  readonly give: (record: Pending, outcome: Outcome) => void
  /** Told of each record that was taken and then undone. */
  readonly onUndone: (answer: Call | Outcome) => void
}

export class OrderedResults implements Asynchronous {
  readonly pool: CallPool
  readonly #options: OrderedResultsOptions
  readonly #taken: Store
  #records: Pending[] = []
  /** Place of the oldest one. */
  #first = 0

  constructor(options: OrderedResultsOptions) {
    const { context, calls } = options
    this.pool = new CallPool(calls, context.task.outside)
    this.#options = options
    this.#taken = context.store({ part: 'taken', toState: unchanged, fromState: unchanged })
  }

  get pending(): number {
    this.#forgetUndone()
    return this.#records.length - this.#first
  }

  get isFull(): boolean {
    return this.pool.isFull || this.pending >= resultsMax
  }

  get callsUnderWay(): number {
    return this.pool.underWay
  }

  holdMs(): number {
    return this.#oldest?.watermarkMs ?? Number.POSITIVE_INFINITY
  }

  add(value: unknown, key: Key | null, timeMs: number, answer: Call | Outcome): void {
    this.#forgetUndone()
    const { time, task } = this.#options.context
    const number = this.#takenCount() + 1
    this.#taken.set(0, number)
    const { cause } = task
    const { watermarkMs } = time
    this.#records.push({ value, key, timeMs, cause, watermarkMs, number, answer })
  }

  deliver(): 'delivered' | 'waiting' {
    const oldest = this.#oldest
    if (oldest === undefined) return 'waiting'
    const { answer } = oldest
    const outcome = answer instanceof Call ? answer.outcome : answer
    if (outcome === null) return 'waiting'
    this.#take()
    this.#options.give(oldest, outcome)
    return 'delivered'
  }

  close(): void {
    this.pool.close()
    this.#records = []
    this.#first = 0
  }

  get #oldest(): Pending | undefined {
    this.#forgetUndone()
    return this.#records[this.#first]
  }

  /** Takes out the oldest one. */
  #take(): void {
    this.#first += 1
    if (this.#first * 2 < this.#records.length) return
    this.#records = this.#records.slice(this.#first)
    this.#first = 0
  }

  #takenCount(): number {
    return (this.#taken.get(0) as number | undefined) ?? 0
  }

  #forgetUndone(): void {
    const records = this.#records
    if (records.length === this.#first) return
    const count = this.#takenCount()
    while (records.length > this.#first && (records.at(-1) as Pending).number > count) {
      this.#options.onUndone((records.pop() as Pending).answer)
    }
  }
}
