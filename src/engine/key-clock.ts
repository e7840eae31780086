/**
 * Event time of an input whose keys have time lines of their own (`perKey`): the least of the keys'
 * largest times. A heap holds each key once, under a time that may be old; it is brought up to date
 * when it comes to the top, so a record costs no more than one look at the top, nearly always.
 */
import type { Key } from '../core/key.ts'
import { stateKey } from '../core/key.ts'

interface KeyTime {
  readonly key: Key
  latestMs: number
  /** As the heap has it: never more than `latestMs`. */
  heapMs: number
}

export class KeyClock {
  readonly #idleAfterMs: number
  readonly #keys = new Map<string | number, KeyTime>()
  readonly #heap: KeyTime[] = []
  #furthestMs = Number.NEGATIVE_INFINITY
  /** Keys whose time moved, or that have ended, since the last `takeChanges`. */
  readonly #changed = new Map<string | number, KeyTime>()

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
    const made = { key, latestMs: timeMs, heapMs: timeMs }
    this.#keys.set(id, made)
    this.#changed.set(id, made)
    this.#heap.push(made)
    this.#up(this.#heap.length - 1)
  }

  #leastMs(): number {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.heapMs < top.latestMs) {
        top.heapMs = top.latestMs
        this.#down()
      } else if (this.#furthestMs - top.latestMs > this.#idleAfterMs) {
        this.#end(top)
      } else return top.latestMs
    }
    return Number.NEGATIVE_INFINITY
  }

  #end(top: KeyTime): void {
    const id = stateKey(top.key)
    this.#keys.delete(id)
    this.#changed.set(id, top)
    const last = this.#heap.pop()
    if (last === undefined || last === top) return
    this.#heap[0] = last
    this.#down()
  }

  #up(from: number): void {
    const heap = this.#heap
    const item = heap[from] as KeyTime
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as KeyTime
      if (above.heapMs <= item.heapMs) break
      heap[at] = above
      at = parent
    }
    heap[at] = item
  }

  #down(): void {
    const heap = this.#heap
    const item = heap[0] as KeyTime
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && right.heapMs < (heap[child] as KeyTime).heapMs) child += 1
      const below = heap[child] as KeyTime
      if (below.heapMs >= item.heapMs) break
      heap[at] = below
      at = child
    }
    heap[at] = item
  }
}
