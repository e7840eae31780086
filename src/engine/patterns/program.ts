/**
 * A pattern as the matcher runs it: for each place that a partial match can stand at, which parts
 * its next event can be of. A set of parts is a number with one bit for each: bit i for part i,
 * then `accept` (the match is complete) and `given` (and has been given).
 */
import { assert } from '../../core/assert.ts'
import { isSkippable, partCountMax } from '../../pipeline/patterns/match-spec.ts'
import type { AfterMatchSpec, MatchSpec, PartSpec } from '../../pipeline/patterns/match-spec.ts'

/** Where a partial match stands: behind an event of a part. */
export interface Place {
  /** What is closed: parts that no next event can be of, `none` parts that are not looked at. */
  readonly closed: number
  /**
   * Parts that keep a match from being complete as long as they are open: absence that is not sure
   * yet, greedy parts that could take more. Of meaning only where `accept` is open.
   */
  readonly duties: number
}

export interface Program {
  readonly parts: readonly PartSpec[]
  readonly withinMs: number | null
  readonly afterMatch: AfterMatchSpec
  /** Before the first event. */
  readonly start: Place
  /** By part and `phaseOf`; nothing for `none`. */
  readonly places: readonly (readonly Place[])[]
  readonly accept: number
  readonly given: number
  /** By part: all parts behind it, and `accept`. */
  readonly behind: readonly number[]
  /** Parts that take events, and `accept`: what is open of these keeps a partial match alive. */
  readonly alive: number
}

export function compile(spec: MatchSpec): Program {
  const { parts, withinMs, afterMatch } = spec
  const count = parts.length
  assert(count > 0 && count <= partCountMax, () => `a pattern has ${count} parts`)
  const accept = 1 << count
  const given = 1 << (count + 1)
  const places = parts.map((part, at) =>
    part.kind === 'none' ? [] : [0, 1, 2].map((phase) => placeAt(parts, at, phase)),
  )
  const behind = parts.map((_, at) => (accept << 1) - (1 << (at + 1)))
  const taking = parts.reduce((set, { kind }, i) => (kind === 'none' ? set : set | (1 << i)), 0)
  const start = { ...placeAt(parts, -1, 1) }
  // Nothing taken is no match, whatever may be absent.
  return {
    parts,
    withinMs,
    afterMatch,
    start: { closed: start.closed | accept, duties: 0 },
    places,
    accept,
    given,
    behind,
    alive: taking | accept,
  }
}

/** How far a part is: 0: it needs more events; 1: it may take more; 2: it is full. */
export function phaseOf(part: PartSpec, taken: number): 0 | 1 | 2 {
  if (taken < part.atLeast) return 0
  return taken < part.atMost ? 1 : 2
}

/** @param at −1: before the first event */
function placeAt(parts: readonly PartSpec[], at: number, phase: number): Place {
  const count = parts.length
  const accept = 1 << count
  let open = 0
  let duties = 0
  if (at >= 0 && phase < 2) {
    open |= 1 << at
    if (parts[at]?.greedy === true) duties |= 1 << at
  }
  if (phase > 0) {
    let next = at + 1
    for (; next < count; next++) {
      const part = parts[next] as PartSpec
      open |= 1 << next
      if (part.kind === 'none' || part.greedy) duties |= 1 << next
      if (!isSkippable(part)) break
    }
    if (next === count) open |= accept
  }
  return { closed: ((accept << 1) - 1) & ~open, duties }
}
