/**
 * Records that wait for an answer from outside, in the order in which they came: their results are
 * given on in that order.
 *
 * A record is atomic (O4): where a later step throws at a record that this step has taken already,
 * it must be forgotten here too. So each one has a number, and the largest is kept in a store: what
 * is undone takes it back, and records with a larger one are not pending any more.
 *
 * Store `<step>/taken`: 0 → how many records were taken.
 */
import type { Key } from '../../core/key.ts'
import type { Cause, StepContext } from '../operators/operator.ts'
import type { Store } from '../state/store.ts'
import { unchanged } from '../state/unchanged.ts'

/** Results that are there may wait for an older one: this many records at most are taken. */
export const resultsMax = 1024

/** A record whose result has not been given on. */
export interface Pending<C> {
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
  readonly cause: Cause | null
  /** Event time that held when it came. */
  readonly watermarkMs: number
  readonly number: number
  /** What it waits for. */
  readonly call: C
}

export class OrderedResults<C> {
  readonly #context: StepContext
  readonly #taken: Store
  readonly #onUndone: (call: C) => void
  #records: Pending<C>[] = []
  /** Place of the oldest one. */
  #first = 0

  /** @param onUndone told of each record that was taken and then undone */
  constructor(context: StepContext, onUndone: (call: C) => void) {
    this.#context = context
    this.#onUndone = onUndone
    this.#taken = context.store({ part: 'taken', toState: unchanged, fromState: unchanged })
  }

  get size(): number {
    this.#forgetUndone()
    return this.#records.length - this.#first
  }

  /** The oldest one. */
  get oldest(): Pending<C> | undefined {
    this.#forgetUndone()
    return this.#records[this.#first]
  }

  add(value: unknown, key: Key | null, timeMs: number, call: C): void {
    this.#forgetUndone()
    const { time, task } = this.#context
    const number = this.#takenCount() + 1
    this.#taken.set(0, number)
    const { cause } = task
    const { watermarkMs } = time
    this.#records.push({ value, key, timeMs, cause, watermarkMs, number, call })
  }

  /** Takes out the oldest one. Between records only. */
  take(): void {
    this.#first += 1
    if (this.#first * 2 < this.#records.length) return
    this.#records = this.#records.slice(this.#first)
    this.#first = 0
  }

  clear(): void {
    this.#records = []
    this.#first = 0
  }

  #takenCount(): number {
    return (this.#taken.get(0) as number | undefined) ?? 0
  }

  #forgetUndone(): void {
    const records = this.#records
    if (records.length === this.#first) return
    const count = this.#takenCount()
    while (records.length > this.#first && (records.at(-1) as Pending<C>).number > count) {
      this.#onUndone((records.pop() as Pending<C>).call)
    }
  }
}
