/**
 * What can be read of the outputs, and since when: by it the time from a fault to output again is
 * measured, and a hang is found.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Seen } from './probe.ts'

/** Topics whose records carry the id of the input that made them, one a record. */
const withIds: ReadonlySet<string> = new Set(['running', 'counts'])
const lookEveryMs = 10

export class Outputs {
  /** Newest id of each partition of the topics with ids. */
  readonly #newest = new Map<string, number>()
  readonly #nowMs: () => number
  #seenMs: number
  #count = 0

  /** @param nowMs wall clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#seenMs = nowMs()
  }

  tell({ topic, partition, count, id }: Seen): void {
    this.#count += count
    this.#seenMs = this.#nowMs()
    if (!withIds.has(topic)) return
    const place = `${topic}/${partition}`
    this.#newest.set(place, Math.max(this.#newest.get(place) ?? -1, id))
  }

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** Partitions with ids that have had output at all. */
  get partitionCount(): number {
    return this.#newest.size
  }

  /** Ms since anything was seen. */
  get quietMs(): number {
    return this.#nowMs() - this.#seenMs
  }

  /** Partitions that have shown nothing of inputs from this id on. */
  behind(id: number): string[] {
    return [...this.#newest].flatMap(([place, newest]) => (newest < id ? [place] : []))
  }

  /**
   * Resolves when every partition has shown something of inputs from this id on: whoever reads it
   * has output again.
   * @returns false when the time is over, or the signal says so
   */
  async reached(id: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const endMs = this.#nowMs() + timeoutMs
    while (this.behind(id).length > 0) {
      if (signal.aborted || this.#nowMs() > endMs) return false
      await pause(lookEveryMs)
    }
    return true
  }
}
