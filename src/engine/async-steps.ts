/** The asynchronous steps of a task, taken together. */
import type { Asynchronous } from './operators/operator.ts'

export class AsyncSteps {
  readonly #steps: readonly Asynchronous[]

  /** @param steps each after those it reads from */
  constructor(steps: readonly Asynchronous[]) {
    this.#steps = steps
  }

  /** Records whose results are still to come. */
  get pending(): number {
    let pending = 0
    for (const step of this.#steps) pending += step.pending
    return pending
  }

  /** Calls that may be answered at any time. */
  get callsUnderWay(): number {
    let calls = 0
    for (const step of this.#steps) calls += step.callsUnderWay
    return calls
  }

  /** Whether one can take no further record now. */
  get isBlocked(): boolean {
    for (const step of this.#steps) if (step.isFull) return true
    return false
  }

  /** Gives on the results that have come; `begin` before each, `passed` behind it. */
  deliver(begin: () => void, passed: () => void): void {
    for (const step of this.#steps) {
      begin()
      while (step.pending > 0 && step.deliver() === 'delivered') {
        begin()
        passed()
      }
    }
  }

  close(): void {
    for (const step of this.#steps) step.close()
  }
}
