/** The upkeep of the file, in slices of bounded work, each in a transaction of its own. */
import { Compaction } from './compaction.ts'
import type { Store } from './db.ts'
import {
  deleteDropped,
  forgetProducers,
  type Progress,
  retainBatches,
  trimChangelogs,
} from './retention.ts'
import { freeTrimmed } from './trim.ts'

export class Maintenance {
  readonly #store: Store
  readonly #compaction: Compaction

  constructor(store: Store) {
    this.#store = store
    this.#compaction = new Compaction(store)
  }

  /** After a rollback: what was in hand is begun anew. */
  reset(): void {
    this.#compaction.reset()
  }

  /** 'done': nothing was left to do. */
  slice(nowMs: number, extent: 'due' | 'all'): Progress {
    const store = this.#store
    if (deleteDropped(store) === 'more') return 'more'
    if (trimChangelogs(store) === 'more') return 'more'
    if (freeTrimmed(store) === 'more') return 'more'
    if (retainBatches(store, nowMs) === 'more') return 'more'
    forgetProducers(store, nowMs)
    return this.#compaction.slice(nowMs, extent)
  }
}
