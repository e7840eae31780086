/**
 * Rows found lately, the ones used last kept: at most so many, each for some time of the task's
 * clock. No state: it may be lost at any time.
 */
import type { StateKey } from '../state/key-map.ts'

interface Kept {
  /** null: there is no row. */
  readonly row: unknown
  readonly untilMs: number
}

export interface RowCacheRules {
  readonly entriesMax: number
  readonly ttlMs: number
  readonly missTtlMs: number
}

export class RowCache {
  readonly #rules: RowCacheRules
  /** The one used longest ago first. */
  readonly #rows: Map<StateKey, Kept> = new Map()

  constructor(rules: RowCacheRules) {
    this.#rules = rules
  }

  get size(): number {
    return this.#rows.size
  }

  /**
   * @returns the row, null where it is known that there is none, undefined where nothing is known
   */
  get(key: StateKey, nowMs: number): unknown {
    const kept = this.#rows.get(key)
    if (kept === undefined) return undefined
    this.#rows.delete(key)
    if (nowMs >= kept.untilMs) return undefined
    this.#rows.set(key, kept)
    return kept.row
  }

  set(key: StateKey, row: unknown, nowMs: number): void {
    const { entriesMax, ttlMs, missTtlMs } = this.#rules
    const forMs = row === null ? missTtlMs : ttlMs
    if (entriesMax === 0 || forMs === 0) return
    this.#rows.delete(key)
    this.#rows.set(key, { row, untilMs: nowMs + forMs })
    if (this.#rows.size <= entriesMax) return
    for (const oldest of this.#rows.keys()) {
      this.#rows.delete(oldest)
      return
    }
  }
}
