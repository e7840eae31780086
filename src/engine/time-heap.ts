/** A binary min-heap of times. Holds each number as often as it was added. */
export class TimeHeap {
  readonly #times: number[] = []

  /** Smallest time; Infinity when empty. */
  get least(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number)
  }

  get size(): number {
    return this.#times.length
  }

  add(timeMs: number): void {
    const times = this.#times
    let at = times.length
    times.push(timeMs)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = times[parent] as number
      if (above <= timeMs) break
      times[at] = above
      at = parent
    }
    times[at] = timeMs
  }

  /** Removes and returns the smallest; Infinity when empty. */
  take(): number {
    const times = this.#times
    const least = this.least
    const last = times.pop()
    if (last === undefined || times.length === 0) return least
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= times.length) break
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number))
        child += 1
      const below = times[child] as number
      if (below >= last) break
      times[at] = below
      at = child
    }
    times[at] = last
    return least
  }
}
