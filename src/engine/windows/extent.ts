/** Windows that are not cut by time: what stretch of event time their records lie in. */
import type { ResultPlace } from './window-results.ts'

export interface Extent {
  readonly minMs: number
  readonly maxMs: number
}

/** @param leastMs event time that later steps may have reached: the result must not be older */
export function placeOf({ minMs, maxMs }: Extent, leastMs: number): ResultPlace {
  return { startMs: minMs, endMs: maxMs + 1, timeMs: Math.max(maxMs, leastMs) }
}
