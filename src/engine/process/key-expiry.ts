/**
 * Drops states of keys for which nothing has come for long enough in event time.
 *
 * Store `<step>/seen`, or `<step>/<state>/seen` of a state with a time to live of its own: key →
 * event time of its last record or timer.
 */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { KeyTimers } from '../key-timers.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import type { KeyedState } from './keyed-state.ts'

export class KeyExpiry {
  readonly #seen: Store
  readonly #ttlMs: number
  readonly #states: readonly KeyedState[]
  /** When something may be due for a key: not later than it is. */
  readonly #due = new KeyTimers()

  /** @param states those that live for `ttlMs` */
  constructor(seen: Store, ttlMs: number, states: readonly KeyedState[]) {
    this.#seen = seen
    this.#ttlMs = ttlMs
    this.#states = states
  }

  /** A handler runs for the key. */
  touch(key: Key, timeMs: number): void {
    const space = this.#seen.namespace(0)
    const entry = this.#seen.find(space, key)
    if (entry !== undefined && entry.value !== absent) {
      // What was due for the earlier time is put off when that comes.
      if ((entry.value as number) < timeMs) this.#seen.write(entry, timeMs)
      return
    }
    if (entry === undefined) this.#seen.make(space, key, timeMs)
    else this.#seen.write(entry, timeMs)
    this.#due.add(timeMs + this.#ttlMs, key)
  }

  get dueMs(): number {
    return this.#due.leastMs
  }

  /** Does what is due at `dueMs`, for one key. Between records only. */
  expire(): void {
    const { leastMs: nowMs, leastKey: key } = this.#due
    // The same may stand there twice where a record was undone.
    while (this.#due.leastMs === nowMs && compareKeys(this.#due.leastKey, key) === 0) {
      this.#due.take()
    }
    const seenMs = this.#seen.get(key) as number | undefined
    if (seenMs === undefined) return
    if (seenMs + this.#ttlMs > nowMs) {
      this.#due.add(seenMs + this.#ttlMs, key)
      return
    }
    for (const state of this.#states) state.drop(key)
    this.#seen.delete(key)
  }

  restored(): void {
    for (const { key, value } of this.#seen.namespaces.get(0)?.entries.values() ?? []) {
      if (value !== absent) this.#due.add((value as number) + this.#ttlMs, key)
    }
  }
}
