/**
 * Which events of a key its partial matches need: the rest can be forgotten. Events are kept by
 * time. What is no longer needed is found by looking through all partial matches when the number
 * of kept times has doubled since the last look, and at once where no partial match is left: at
 * most twice as much is kept as is needed, at a cost of a few steps for each event.
 */
import { eachTaken } from './partial-match.ts'
import type { PartialMatch } from './partial-match.ts'

/** Times of kept events, newest first. */
export interface KeptTimes {
  readonly timeMs: number
  readonly before: KeptTimes | null
  readonly size: number
}

/** What is kept of a key: value of the store. */
export interface KeyMatches {
  readonly partials: readonly PartialMatch[]
  readonly kept: KeptTimes | null
  /** Number of kept times at which to look through them. */
  readonly lookAt: number
}

export const noMatches: KeyMatches = { partials: [], kept: null, lookAt: 0 }
const lookAtMin = 16

export interface Retained {
  readonly matches: KeyMatches
  /** Times whose events are not needed any more. */
  readonly released: readonly number[]
}

/** @param timeMs of the event that led to `partials`; null: none did */
export function retain(
  before: KeyMatches,
  partials: readonly PartialMatch[],
  timeMs: number | null,
): Retained {
  if (partials === before.partials) return { matches: before, released: [] }
  let { kept } = before
  if (timeMs !== null && kept?.timeMs !== timeMs && takes(partials, timeMs)) {
    kept = push(kept, timeMs)
  }
  if (partials.length > 0 && (kept?.size ?? 0) < Math.max(before.lookAt, lookAtMin)) {
    return { matches: { partials, kept, lookAt: before.lookAt }, released: [] }
  }
  const needed = neededTimes(partials)
  const released: number[] = []
  const times: number[] = []
  for (let at = kept; at !== null; at = at.before) {
    if (needed.has(at.timeMs)) times.push(at.timeMs)
    else released.push(at.timeMs)
  }
  kept = times.reduceRight<KeptTimes | null>(push, null)
  return { matches: { partials, kept, lookAt: 2 * times.length }, released }
}

export function push(kept: KeptTimes | null, timeMs: number): KeptTimes {
  return { timeMs, before: kept, size: (kept?.size ?? 0) + 1 }
}

function takes(partials: readonly PartialMatch[], timeMs: number): boolean {
  // An event that was taken is the last one of the partial match that it led to.
  return partials.some(({ taken }) => taken.timeMs === timeMs)
}

function neededTimes(partials: readonly PartialMatch[]): Set<number> {
  const times = new Set<number>()
  eachTaken(partials, ({ timeMs }) => times.add(timeMs))
  return times
}
