/** Rows by arrival: a binary heap over (arrival, row number), which no two rows share. */

export interface Arriving {
  /** When the row becomes known, ms since 1970. */
  readonly arrivesAt: number
  /** Its number in the recording, from 0. */
  readonly row: number
}

/** Negative where `a` comes before `b`. */
export function compareArrivals(a: Arriving, b: Arriving): number {
  return a.arrivesAt - b.arrivesAt || a.row - b.row
}

export class ArrivalHeap<T extends Arriving> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** The earliest; undefined when empty. */
  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as T
      if (compareArrivals(above, item) <= 0) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Takes the earliest out; undefined when empty. */
  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) this.#sink(last)
    return first
  }

  #sink(item: T): void {
    const items = this.#items
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      const left = items[child]
      if (left === undefined) break
      const right = items[child + 1]
      let earlier = left
      if (right !== undefined && compareArrivals(right, left) < 0) {
        earlier = right
        child += 1
      }
      if (compareArrivals(item, earlier) <= 0) break
      items[at] = earlier
      at = child
    }
    items[at] = item
  }
}
