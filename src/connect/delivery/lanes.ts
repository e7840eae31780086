/**
 * Which records may be tried next. Records of one key wait in one lane, in order, and a lane whose
 * records are being tried gives no more until these are done. [D1] Lanes take turns, so that a key
 * with many records holds nobody up.
 */

/** What lanes need to know of a record. */
export interface LaneRecord {
  /** null: it has no order with any other. */
  readonly laneKey: string | null
}

/** Records that are tried together, and the lanes that wait for them. */
export interface Parcel<R extends LaneRecord> {
  /** Those of one lane in order, and beside each other. Shrinks where they are tried one by one. */
  records: R[]
  readonly lanes: readonly Lane<R>[]
}

interface Lane<R> {
  readonly key: string | null
  readonly waiting: R[]
}

export class Lanes<R extends LaneRecord> {
  readonly #byKey = new Map<string, Lane<R>>()
  /** Lanes with records of which none is being tried, in the order of their turns. */
  #ready: Lane<R>[] = []
  /** Before it, turns were taken already. */
  #readyFrom = 0

  get hasReady(): boolean {
    return this.#readyFrom < this.#ready.length
  }

  /** Records come in the order in which they shall be tried. */
  add(record: R): void {
    const { laneKey } = record
    const lane = laneKey === null ? undefined : this.#byKey.get(laneKey)
    if (lane !== undefined) {
      lane.waiting.push(record)
      return
    }
    const added: Lane<R> = { key: laneKey, waiting: [record] }
    if (laneKey !== null) this.#byKey.set(laneKey, added)
    this.#ready.push(added)
  }

  /** Up to so many records that may be tried now; null: there are none. */
  take(recordsMax: number): Parcel<R> | null {
    if (!this.hasReady) return null
    const records: R[] = []
    const lanes: Lane<R>[] = []
    while (this.hasReady && records.length < recordsMax) {
      const lane = this.#ready[this.#readyFrom++] as Lane<R>
      records.push(...lane.waiting.splice(0, recordsMax - records.length))
      lanes.push(lane)
    }
    if (this.#readyFrom > 1_000 && this.#readyFrom * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#readyFrom)
      this.#readyFrom = 0
    }
    return { records, lanes }
  }

  /** The parcel's records are done, one way or the other: what is behind them may be tried. */
  done(parcel: Parcel<R>): void {
    for (const lane of parcel.lanes) {
      if (lane.waiting.length > 0) this.#ready.push(lane)
      else if (lane.key !== null) this.#byKey.delete(lane.key)
    }
  }
}
