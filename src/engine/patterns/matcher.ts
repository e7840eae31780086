/**
 * Finds a pattern in the events of one key, one event at a time: a non-deterministic automaton
 * whose states are partial matches (after SASE+, Agrawal et al. 2008, as Flink CEP has it). Pure:
 * state goes in and comes out, nothing is kept.
 *
 * A partial match looks at each event once. For each part its next event can be of (they are open)
 * the condition is asked; where it holds, a longer partial match branches off, and the one at hand
 * goes on as if the event were not there, with fewer parts open: none that had to follow directly
 * (`then`), none that had to be the first that fits (`followedBy`), none behind a greedy part that
 * could have taken the event, none behind an absence that was broken.
 */
import { MillraceError } from '../../core/error.ts'
import type { PartSpec } from '../../pipeline/patterns/match-spec.ts'
import { viewsOf } from './matched-view.ts'
import type { ViewOf } from './matched-view.ts'
import { comparePlaces, comparePreference, firstOf, takenByPart } from './partial-match.ts'
import type { EventPlace, MatchEvent, PartialMatch, Taken } from './partial-match.ts'
import { phaseOf } from './program.ts'
import type { Place, Program } from './program.ts'

/** Partial matches that a key may have at once, those that are found by one event included. */
export const partialMatchesMax = 10_000

/** What became of a key's partial matches. */
export interface Matched {
  /** Those that go on; the same array where nothing changed. */
  readonly partials: readonly PartialMatch[]
  /** Complete matches, in the order in which they are to be given. */
  readonly matches: readonly Taken[]
  /** Those whose time was up, in the same order. */
  readonly timedOut: readonly Taken[]
}

interface Round {
  readonly event: MatchEvent
  readonly partials: PartialMatch[]
  readonly complete: Taken[]
  changed: boolean
}

export class Matcher {
  readonly #program: Program
  readonly #viewOf: ViewOf

  constructor(program: Program) {
    this.#program = program
    this.#viewOf = viewsOf(program.parts)
  }

  /**
   * Takes the next event. Those whose time is up by then must have been taken out by `expire`.
   * @throws what a condition throws · `step-failed` for more than `partialMatchesMax`; then the
   * event is as if it had not been
   */
  take(partials: readonly PartialMatch[], event: MatchEvent): Matched {
    const round: Round = { event, partials: [], complete: [], changed: false }
    for (const partial of partials) this.#advance(partial, round)
    this.#begin(round)
    if (round.partials.length > partialMatchesMax) throw tooMany()
    const { partials: left, matches } = this.#settle(round.partials, round.complete)
    const changed = round.changed || left.length !== partials.length
    return { partials: changed ? left : partials, matches, timedOut: [] }
  }

  /**
   * Event time has reached `nowMs`, a time at which something is timed out: what is complete
   * because no more events can come is a match, the rest of it is timed out. To be called for each
   * such time, in order.
   */
  expire(partials: readonly PartialMatch[], nowMs: number): Matched {
    const { withinMs, accept, given, parts } = this.#program
    if (withinMs === null) return { partials, matches: [], timedOut: [] }
    const isDue = ({ taken }: PartialMatch): boolean =>
      // [start, start + within): an event at the deadline does not belong to it.
      firstOf(taken).timeMs + withinMs <= nowMs
    const complete: Taken[] = []
    const others: PartialMatch[] = []
    for (const partial of partials) {
      if (!isDue(partial)) others.push(partial)
      else if ((partial.closed & accept) === 0) complete.push(partial.taken)
      // What has been given as a match is not timed out.
      else if ((partial.closed & given) === 0) others.push(partial)
    }
    const settled = this.#settle(others, complete)
    const timedOut = settled.partials.filter(isDue).map(({ taken }) => taken)
    timedOut.sort((a, b) => comparePreference(parts, a, b))
    const left = settled.partials.filter((partial) => !isDue(partial))
    const changed = left.length !== partials.length
    return { partials: changed ? left : partials, matches: settled.matches, timedOut }
  }

  /** Event for the next part: of each partial match, its longer ones and what is left of itself. */
  #advance(partial: PartialMatch, round: Round): void {
    const { parts, behind, accept, given, alive, places } = this.#program
    const { taken, closed } = partial
    const matched = this.#viewOf(taken)
    /** Closed for this event, and for those behind it. */
    let now = closed
    let later = closed
    for (let i = taken.part; i < parts.length; i++) {
      const bit = 1 << i
      if ((now & bit) !== 0) continue
      const part = parts[i] as PartSpec
      const others = behind[i] as number
      const isDirect = (i === taken.part ? part.between : part.link) === 'then'
      if (part.kind === 'none') {
        const closedFor = isDirect ? now : later
        if ((~closedFor & others & alive) === 0) continue
        if (part.condition(round.event.value, matched)) {
          later |= others
          // Behind `then` the event itself must not be it, even where it fits what follows.
          if (isDirect) now |= others
        }
      } else if (part.condition(round.event.value, matched)) {
        this.#take(taken, i, round)
        if (part.greedy) {
          now |= others
          later |= others
        }
        if ((i === taken.part ? part.between : part.link) === 'followedBy') later |= bit
      }
      if (isDirect) later |= bit
    }
    const duties = (placeOf(places, parts, taken) as Place).duties
    if ((later & accept) === 0 && (duties & ~later) === 0) {
      round.complete.push(taken)
      later |= accept | given
    }
    if (later !== closed) round.changed = true
    if ((~later & alive) === 0) return
    round.partials.push(later === closed ? partial : { taken, closed: later })
  }

  /** Each event can be the first of a match. */
  #begin(round: Round): void {
    const { parts, start, behind } = this.#program
    const matched = this.#viewOf(null)
    let closed = start.closed
    for (const [i, part] of parts.entries()) {
      if ((closed & (1 << i)) !== 0) continue
      if (!part.condition(round.event.value, matched)) continue
      this.#take(null, i, round)
      if (part.greedy) closed |= behind[i] as number
    }
  }

  #take(before: Taken | null, at: number, round: Round): void {
    const { parts, accept, given, alive, places } = this.#program
    const { timeMs, index, value } = round.event
    const count = before?.part === at ? before.count + 1 : 1
    const first = before === null ? null : firstOf(before)
    const taken: Taken = { part: at, count, timeMs, index, value, before, first }
    const place = placeOf(places, parts, taken) as Place
    let { closed } = place
    round.changed = true
    if ((closed & accept) === 0 && place.duties === 0) {
      round.complete.push(taken)
      closed |= accept | given
    }
    if ((~closed & alive) !== 0) round.partials.push({ taken, closed })
  }

  /** Puts complete matches in order and applies the after-match policy to them and the rest. */
  #settle(partials: PartialMatch[], complete: Taken[]): Pick<Matched, 'partials' | 'matches'> {
    if (complete.length === 0) return { partials, matches: complete }
    const { parts } = this.#program
    complete.sort((a, b) => comparePreference(parts, a, b))
    const matches: Taken[] = []
    let from: EventPlace | null = null
    for (const match of complete) {
      if (from !== null && comparePlaces(firstOf(match), from) < 0) continue
      matches.push(match)
      const next = this.#resumeAt(match)
      if (next !== null && (from === null || comparePlaces(next, from) > 0)) from = next
    }
    const least = from
    if (least === null) return { partials, matches }
    const left = partials.filter(({ taken }) => comparePlaces(firstOf(taken), least) >= 0)
    return { partials: left, matches }
  }

  /** Least place at which what goes on behind a match has begun; null: anywhere. */
  #resumeAt(match: Taken): EventPlace | null {
    const { parts, afterMatch } = this.#program
    switch (afterMatch.kind) {
      case 'none':
        return null
      case 'next':
        return behindPlace(firstOf(match))
      case 'past-last':
        return behindPlace(match)
      default: {
        const part = parts.findIndex(({ name }) => name === afterMatch.part)
        const events = takenByPart(parts, match)[part] ?? []
        return (afterMatch.kind === 'first' ? events[0] : events.at(-1)) ?? null
      }
    }
  }
}

function placeOf(
  places: Program['places'],
  parts: readonly PartSpec[],
  { part, count }: Taken,
): Place | undefined {
  return places[part]?.[phaseOf(parts[part] as PartSpec, count)]
}

function behindPlace({ timeMs, index }: EventPlace): EventPlace {
  return { timeMs, index: index + 1 }
}

function tooMany(): MillraceError {
  return new MillraceError(
    'step-failed',
    `a key has more than ${partialMatchesMax} partial matches of the pattern`,
    { hint: 'make the conditions narrower or `within` shorter, or put atMost on what repeats' },
  )
}
