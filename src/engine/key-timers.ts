/**
 * Timers of keys: a binary min-heap of (time, key, name), those of equal times in order of key,
 * then of name (where a key has one timer, it needs none). Memory only: rebuilt from the stores. An
 * entry is not taken out when what it was set for has gone or has moved, and a record that is
 * undone leaves one behind: whoever takes one looks into the store first.
 */
import { compareKeys } from '../core/key.ts'
import type { Key } from '../core/key.ts'

export class KeyTimers {
  readonly #times: number[] = []
  readonly #keys: Key[] = []
  readonly #names: string[] = []

  /** Smallest time; Infinity when empty. */
  get leastMs(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number)
  }

  /** Key of the first entry. Only when not empty. */
  get leastKey(): Key {
    return this.#keys[0] as Key
  }

  /** Name of the first entry. Only when not empty. */
  get leastName(): string {
    return this.#names[0] as string
  }

  get size(): number {
    return this.#times.length
  }

  add(timeMs: number, key: Key, name = ''): void {
    let at = this.#times.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(timeMs, key, name, parent)) break
      this.#copy(parent, at)
      at = parent
    }
    this.#put(at, timeMs, key, name)
  }

  /** Removes the first entry. Harmless when empty. */
  take(): void {
    const timeMs = this.#times.pop()
    const key = this.#keys.pop()
    const name = this.#names.pop()
    const { length } = this.#times
    if (timeMs === undefined || key === undefined || name === undefined || length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= length) break
      if (child + 1 < length && this.#isEntryBefore(child + 1, child)) child += 1
      if (this.#isBefore(timeMs, key, name, child)) break
      this.#copy(child, at)
      at = child
    }
    this.#put(at, timeMs, key, name)
  }

  #copy(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number
    this.#keys[to] = this.#keys[from] as Key
    this.#names[to] = this.#names[from] as string
  }

  #put(at: number, timeMs: number, key: Key, name: string): void {
    this.#times[at] = timeMs
    this.#keys[at] = key
    this.#names[at] = name
  }

  #isEntryBefore(at: number, other: number): boolean {
    const timeMs = this.#times[at] as number
    return this.#isBefore(timeMs, this.#keys[at] as Key, this.#names[at] as string, other)
  }

  /** Whether (time, key, name) comes before the entry at that place. */
  #isBefore(timeMs: number, key: Key, name: string, at: number): boolean {
    const other = this.#times[at] as number
    if (timeMs !== other) return timeMs < other
    const order = compareKeys(key, this.#keys[at] as Key)
    return order < 0 || (order === 0 && name < (this.#names[at] as string))
  }
}
