/**
 * Event time of an input whose keys have time lines of their own (`perKey`): the least of the keys'
 * largest times. A heap holds each key once, under a time that may be old; it is brought up to date
 * when it comes to the top, so a record costs no more than one look at the top, nearly always.
 */
import type { Key } from '../core/key.ts'
import { stateKey } from '../core/key.ts'
import { KeyTimers } from './key-timers.ts'

interface KeyTime {
  readonly key: Key
  latestMs: number
}

export class KeyClock {
  readonly #idleAfterMs: number
  readonly #keys: Map<string | number, KeyTime> = new Map()
  readonly #heap = new KeyTimers()
  #furthestMs = Number.NEGATIVE_INFINITY
  /** Keys whose time moved, or that have ended, since the last `takeChanges`. */
  readonly #changed: Map<string | number, KeyTime> = new Map()

  constructor(idleAfterMs: number) {
    this.#idleAfterMs = idleAfterMs
  }

  /** A record of a key came. Records without key move nothing. @returns the least over all keys */
  observe(key: Key | null, timeMs: number): number {
    if (key !== null) this.#move(key, timeMs)
    return this.#leastMs()
  }

  /** What to keep of it: the largest time of each key that moved; null: the key has ended. */
  takeChanges(keep: (key: Key, latestMs: number | null) => void): void {
    for (const [id, { key, latestMs }] of this.#changed) {
      keep(key, this.#keys.has(id) ? latestMs : null)
    }
    this.#changed.clear()
  }

  /** Puts back what was kept. */
  restore(key: Key, latestMs: number): void {
    this.#move(key, latestMs)
    this.#changed.clear()
  }

  #move(key: Key, timeMs: number): void {
    const id = stateKey(key)
    const known = this.#keys.get(id)
    if (timeMs > this.#furthestMs) this.#furthestMs = timeMs
    if (known !== undefined) {
      if (timeMs <= known.latestMs) return
      known.latestMs = timeMs
      this.#changed.set(id, known)
      return
    }
    const made = { key, latestMs: timeMs }
    this.#keys.set(id, made)
    this.#changed.set(id, made)
    this.#heap.add(timeMs, key)
  }

  #leastMs(): number {
    for (;;) {
      const { leastMs, leastKey } = this.#heap
      if (leastMs === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY
      const id = stateKey(leastKey)
      const top = this.#keys.get(id) as KeyTime
      const hasEnded = this.#furthestMs - top.latestMs > this.#idleAfterMs
      if (top.latestMs === leastMs && !hasEnded) return leastMs
      this.#heap.take()
      if (!hasEnded) {
        this.#heap.add(top.latestMs, leastKey)
        continue
      }
      this.#keys.delete(id)
      this.#changed.set(id, top)
    }
  }
}
