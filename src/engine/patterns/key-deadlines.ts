/**
 * Keys by the time at which something is due for them. In memory only: made anew from the state
 * after a restore. One that is not true any more does no harm: whoever takes it looks again.
 */
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { TimeHeap } from '../time-heap.ts'

export class KeyDeadlines {
  readonly #times = new TimeHeap()
  readonly #keys: Map<number, Map<string | number, Key>> = new Map()

  /** Smallest time; Infinity when there is none. */
  get least(): number {
    return this.#times.least
  }

  add(timeMs: number, key: Key): void {
    let keys = this.#keys.get(timeMs)
    if (keys === undefined) {
      keys = new Map()
      this.#keys.set(timeMs, keys)
      this.#times.add(timeMs)
    }
    keys.set(stateKey(key), key)
  }

  has(timeMs: number, key: Key): boolean {
    return this.#keys.get(timeMs)?.has(stateKey(key)) === true
  }

  /** Keys of that time. */
  at(timeMs: number): readonly Key[] {
    return [...(this.#keys.get(timeMs)?.values() ?? [])]
  }

  /** Forgets the smallest time, which is `timeMs`; nothing where it is another one. */
  drop(timeMs: number): void {
    if (this.#times.least !== timeMs) return
    this.#times.take()
    this.#keys.delete(timeMs)
  }
}

/** Each key once, in order. */
export function sortedKeys(...lists: readonly (readonly Key[])[]): Key[] {
  const all = new Map(lists.flat().map((key) => [stateKey(key), key]))
  return [...all.values()].sort(compareKeys)
}
