/**
 * JoinGroup and SyncGroup wait at the coordinator, for as long as a rebalance may take; so that
 * their silence says nothing. When the coordinator has moved meanwhile, no answer will ever come
 * from a broker that hangs: heartbeats that failed, and then are answered, say so. Asking once more
 * is harmless.
 */
import type { SendOptions } from '../wire/cluster.ts'

export class WaitingRequest {
  readonly #timeoutMs: number
  #abandon: (() => void) | null = null
  #isDoubtful = false
  /** A request that was given up may still hold its connection. */
  #lane = 0

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get isWaiting(): boolean {
    return this.#abandon !== null
  }

  /** @returns null where it was given up */
  async wait<Answer>(send: (options: SendOptions) => Promise<Answer>): Promise<Answer | null> {
    const given = Promise.withResolvers<null>()
    this.#abandon = () => given.resolve(null)
    this.#isDoubtful = false
    const answer = send({ purpose: 'join', lane: this.#lane, timeoutMs: this.#timeoutMs })
    answer.catch(() => {}) // after it was given up nobody listens
    try {
      return await Promise.race([answer, given.promise])
    } finally {
      this.#abandon = null
    }
  }

  /** The coordinator does not answer, or is not where the request went. */
  doubt(): void {
    this.#isDoubtful = true
  }

  /** The coordinator answers. */
  heard(): void {
    if (!this.#isDoubtful || this.#abandon === null) return
    this.#lane = 1 - this.#lane
    this.#abandon()
  }
}
