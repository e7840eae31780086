/** Requests a second of each client, by buckets that fill at that rate, up to a second's worth. */
import type { Clock } from '../core/clock.ts'
import { tooMany } from './refusal.ts'

/** Clients remembered; of more, those longest away are forgotten, which is to their advantage. */
const clientsMax = 10_000

interface Bucket {
  tokens: number
  atMs: number
}

export class RateLimit {
  readonly #perSecond: number
  readonly #clock: Clock
  /** In order of last use. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  /** @throws Refusal 429 */
  take(client: string): void {
    const nowMs = this.#clock.monotonic()
    const full = this.#perSecond
    const bucket = this.#buckets.get(client) ?? { tokens: full, atMs: nowMs }
    this.#buckets.delete(client)
    this.#buckets.set(client, bucket)
    if (this.#buckets.size > clientsMax) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    const passed = ((nowMs - bucket.atMs) / 1_000) * this.#perSecond
    bucket.tokens = Math.min(full, bucket.tokens + passed)
    bucket.atMs = nowMs
    if (bucket.tokens < 1) {
      throw tooMany(
        `more than ${this.#perSecond} requests a second`,
        ((1 - bucket.tokens) / this.#perSecond) * 1_000,
        'send more records a request',
      )
    }
    bucket.tokens -= 1
  }
}
