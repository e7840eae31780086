/** The slices that have state, in order of time. Memory only: rebuilt from the store. */
import type { Namespace } from '../state/store.ts'
import type { Slice } from './slicing.ts'

/** A slice, and where its entries are. */
export interface LiveSlice extends Slice {
  /** null: none has been written yet, or all is dropped. */
  space: Namespace | null
}

/** Holds no time. */
export const noSlice: LiveSlice = {
  startMs: Number.NaN,
  endMs: Number.NaN,
  firstEndMs: Number.NaN,
  lastEndMs: Number.NaN,
  space: null,
}

export class LiveSlices {
  /** Disjoint, so in order of start, of end, and of last window's end. */
  readonly all: LiveSlice[] = []

  /** The slice that holds a time, where it has state. */
  find(timeMs: number): LiveSlice | undefined {
    const found = this.all[this.#firstEndingAfter(timeMs)]
    return found !== undefined && found.startMs <= timeMs ? found : undefined
  }

  add(slice: LiveSlice): void {
    this.all.splice(this.#firstEndingAfter(slice.startMs), 0, slice)
  }

  /** Takes out the first. */
  shift(): void {
    this.all.shift()
  }

  remove(slice: LiveSlice): void {
    this.all.splice(this.all.indexOf(slice), 1)
  }

  /** Calls `visit` for those within [startMs, endMs), in order of time. */
  within(startMs: number, endMs: number): readonly LiveSlice[] {
    const from = this.#firstEndingAfter(startMs)
    return this.all.slice(from, this.#firstEndingAfter(endMs))
  }

  /** Place of the first slice that ends behind a time; of those within or behind it. */
  #firstEndingAfter(timeMs: number): number {
    const { all } = this
    let low = 0
    let high = all.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((all[middle] as LiveSlice).endMs <= timeMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
