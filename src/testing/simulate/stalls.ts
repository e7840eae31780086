/** Partitions of which no record comes for a while, though there are some. */
import type { TopicPartition } from '../../log/log.ts'
import { offsetKey } from '../../log/memory/memory-store.ts'
import type { SimulatedTime } from './simulated-time.ts'

export class Stalls {
  readonly #time: SimulatedTime
  /** Until when: topic/partition → virtual ms. */
  readonly #until = new Map<string, number>()

  constructor(time: SimulatedTime) {
    this.#time = time
  }

  /** From now on. */
  begin(place: TopicPartition, ms: number): void {
    this.#until.set(offsetKey(place), this.#time.monotonicMs + ms)
  }

  has(place: TopicPartition): boolean {
    if (this.#until.size === 0) return false
    return (this.#until.get(offsetKey(place)) ?? 0) > this.#time.monotonicMs
  }
}
