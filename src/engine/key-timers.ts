/**
 * Timers of keys: a binary min-heap of (time, key), those of equal times in order of key. Memory
 * only: rebuilt from the stores. An entry is not taken out when what it was set for has gone or has
 * moved, and a record that is undone leaves one behind: whoever takes one looks into the store
 * first.
 */
import { compareKeys } from '../core/key.ts'
import type { Key } from '../core/key.ts'

export class KeyTimers {
  readonly #times: number[] = []
  readonly #keys: Key[] = []

  /** Smallest time; Infinity when empty. */
  get leastMs(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number)
  }

  /** Key of the entry with the smallest time, the first of them. Only when not empty. */
  get leastKey(): Key {
    return this.#keys[0] as Key
  }

  get size(): number {
    return this.#times.length
  }

  add(timeMs: number, key: Key): void {
    const times = this.#times
    const keys = this.#keys
    let at = times.length
    times.push(timeMs)
    keys.push(key)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(timeMs, key, parent)) break
      times[at] = times[parent] as number
      keys[at] = keys[parent] as Key
      at = parent
    }
    times[at] = timeMs
    keys[at] = key
  }

  /** Removes the entry that `leastMs` and `leastKey` tell of. Harmless when empty. */
  take(): void {
    const times = this.#times
    const keys = this.#keys
    const lastMs = times.pop()
    const lastKey = keys.pop()
    if (lastMs === undefined || lastKey === undefined || times.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= times.length) break
      const other = child + 1
      if (other < times.length && this.#isBefore(times[other] as number, keys[other] as Key, child))
        child = other
      if (this.#isBefore(lastMs, lastKey, child)) break
      times[at] = times[child] as number
      keys[at] = keys[child] as Key
      at = child
    }
    times[at] = lastMs
    keys[at] = lastKey
  }

  /** Whether (time, key) comes before the entry at that place. Keys are compared at ties only. */
  #isBefore(timeMs: number, key: Key, at: number): boolean {
    const other = this.#times[at] as number
    return timeMs < other || (timeMs === other && compareKeys(key, this.#keys[at] as Key) < 0)
  }
}
