/**
 * Partial matches of one key. What was taken is a list from the last event back to the first, whose
 * beginning is shared by all that branched off from it; an event's value is stored once, under its
 * time (see `operators/match.ts`), and named here by time and place among the events of that time.
 */
import type { PartSpec } from '../../pipeline/patterns/match-spec.ts'

/** One event of a key. */
export interface MatchEvent {
  readonly timeMs: number
  /** Place among the key's events of the same time, in order of arrival. */
  readonly index: number
  readonly value: unknown
}

/** An event that was taken, and what was taken before it. */
export interface Taken {
  readonly part: number
  /** Events of the part up to this one. */
  readonly count: number
  readonly timeMs: number
  readonly index: number
  /** Kept with the event, not with this: to be set anew after a restore. */
  value: unknown
  readonly before: Taken | null
  /** First event of the match; null: this one. */
  readonly first: Taken | null
}

export interface PartialMatch {
  readonly taken: Taken
  /** Of the parts, what its next event cannot be of; as `Place.closed`. */
  readonly closed: number
}

export function firstOf(taken: Taken): Taken {
  return taken.first ?? taken
}

/** Place of an event in the order of a key. */
export interface EventPlace {
  readonly timeMs: number
  readonly index: number
}

export function comparePlaces(a: EventPlace, b: EventPlace): number {
  return a.timeMs === b.timeMs ? a.index - b.index : a.timeMs - b.timeMs
}

/** What each part has taken, in order of the parts and of the events. */
export function takenByPart(parts: readonly PartSpec[], taken: Taken | null): Taken[][] {
  const byPart: Taken[][] = parts.map(() => [])
  for (let at = taken; at !== null; at = at.before) byPart[at.part]?.push(at)
  for (const list of byPart) list.reverse()
  return byPart
}

/**
 * The order in which matches that are complete at once are given; 0 for the same only. By first
 * event; then by parts: an optional event rather than none, more of a greedy part, fewer of a
 * reluctant one; with as many, earlier events.
 */
export function comparePreference(parts: readonly PartSpec[], a: Taken, b: Taken): number {
  const byStart = comparePlaces(firstOf(a), firstOf(b))
  if (byStart !== 0) return byStart
  const ofA = takenByPart(parts, a)
  const ofB = takenByPart(parts, b)
  for (const [i, part] of parts.entries()) {
    const order = compareLists(part, ofA[i] ?? [], ofB[i] ?? [])
    if (order !== 0) return order
  }
  return 0
}

function compareLists(part: PartSpec, a: readonly Taken[], b: readonly Taken[]): number {
  if (a.length !== b.length) {
    return part.kind === 'one' || part.greedy ? b.length - a.length : a.length - b.length
  }
  for (const [i, event] of a.entries()) {
    const order = comparePlaces(event, b[i] as Taken)
    if (order !== 0) return order
  }
  return 0
}

/** Calls `see` once for each event taken. */
export function eachTaken(partials: readonly PartialMatch[], see: (taken: Taken) => void): void {
  const seen = new Set<Taken>()
  for (const { taken } of partials) {
    for (let at: Taken | null = taken; at !== null && !seen.has(at); at = at.before) {
      seen.add(at)
      see(at)
    }
  }
}
