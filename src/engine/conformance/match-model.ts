/**
 * The definition of `match`, applied to one key's whole input: enumerates every way in which events
 * can be given to parts, asks of each whether it is allowed, and puts what is left in order.
 * Exponential, without state, and with nothing of the engine but the form of a pattern.
 */
import type { MatchSpec, PartSpec } from '../../pipeline/patterns/match-spec.ts'

export interface ModelEvent {
  readonly timeMs: number
  readonly value: unknown
}

export interface ModelOutcome {
  readonly kind: 'match' | 'timed-out'
  /** Event time of the result. */
  readonly timeMs: number
  /** `match` or `partial`, as the result has it. */
  readonly matched: Record<string, unknown>
  readonly startTime: number
  /** Of a match. */
  readonly endTime: number | null
}

/** Part and event, by their places; the events grow, the parts do not shrink. */
type Assignment = readonly (readonly [part: number, event: number])[]

interface Known {
  readonly kind: 'match' | 'timed-out'
  readonly assignment: Assignment
  /** When it is known: at an event, or at a deadline (null), whose time counts as one less. */
  readonly timeMs: number
  readonly event: number | null
}

/** @param events in the order in which they are to be matched */
export function modelOutcomes(spec: MatchSpec, events: readonly ModelEvent[]): ModelOutcome[] {
  const model = new MatchModel(spec, events)
  const known: Known[] = []
  for (const assignment of model.assignments()) {
    const complete = model.completion(assignment)
    if (complete !== null) known.push(complete)
    else if (model.isTimedOut(assignment)) known.push(model.timeOut(assignment))
  }
  known.sort((a, b) => model.compare(a, b))
  const outcomes: ModelOutcome[] = []
  let from = 0
  for (const one of known) {
    if (startOf(one.assignment) < from) continue
    outcomes.push(model.outcome(one))
    if (one.kind === 'match') from = Math.max(from, model.resumeAt(one.assignment))
  }
  return outcomes
}

const startOf = (assignment: Assignment): number => assignment[0]?.[1] ?? -1

class MatchModel {
  readonly #spec: MatchSpec
  readonly #parts: readonly PartSpec[]
  readonly #events: readonly ModelEvent[]

  constructor(spec: MatchSpec, events: readonly ModelEvent[]) {
    this.#spec = spec
    this.#parts = spec.parts
    this.#events = events
  }

  /** All that are not empty and allowed. */
  *assignments(before: Assignment = []): IterableIterator<Assignment> {
    const last = before.at(-1)
    for (let event = (last?.[1] ?? -1) + 1; event < this.#endOf(before); event++) {
      for (let part = last?.[0] ?? 0; part < this.#parts.length; part++) {
        if (!this.#mayFollow(before, part, event)) continue
        const longer = [...before, [part, event] as const]
        yield longer
        yield* this.assignments(longer)
      }
    }
  }

  /** When it is a match, or null. */
  completion(assignment: Assignment): Known | null {
    const [part, event] = assignment.at(-1) as readonly [number, number]
    const behind = this.#parts.length
    if (!this.#canStep(assignment, behind)) return null
    const greedy = this.#greedyBetween(assignment, behind)
    const absent = this.#absentBetween(part, behind)
    const end = this.#endOf(assignment)
    const isBroken =
      greedy.some((one) => this.#couldTake(assignment, one, [event + 1, end])) ||
      absent.some((one) => this.#comes(assignment, one, end))
    const atEvent = (at: number): Known => {
      const { timeMs } = this.#events[at] as ModelEvent
      return { kind: 'match', assignment, timeMs, event: at }
    }
    if (greedy.length + absent.length === 0) return atEvent(event)
    if (isBroken) return null
    const isLong =
      greedy.some((one) => this.#linkTo(assignment, one) !== 'then') ||
      absent.some((one) => this.#parts[one]?.link !== 'then')
    if (!isLong && event + 1 < end) return atEvent(event + 1)
    if (this.#spec.withinMs === null) return null
    return { ...this.timeOut(assignment), kind: 'match' }
  }

  /** Whether an event might still have come for it at its deadline. */
  isTimedOut(assignment: Assignment): boolean {
    if (this.#spec.withinMs === null) return false
    const end = this.#endOf(assignment)
    return this.#parts.some((_, part) => this.#isOpen(assignment, part, end))
  }

  timeOut(assignment: Assignment): Known {
    const deadline = this.#startTime(assignment) + (this.#spec.withinMs ?? 0)
    return { kind: 'timed-out', assignment, timeMs: deadline - 1, event: null }
  }

  compare(a: Known, b: Known): number {
    if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs
    const byEvent = (a.event ?? Infinity) - (b.event ?? Infinity)
    if (a.event !== b.event) return byEvent
    if (a.kind !== b.kind) return a.kind === 'match' ? -1 : 1
    const byStart = startOf(a.assignment) - startOf(b.assignment)
    if (byStart !== 0) return byStart
    for (const [i, part] of this.#parts.entries()) {
      const ofA = eventsOf(a.assignment, i)
      const ofB = eventsOf(b.assignment, i)
      if (ofA.length !== ofB.length) {
        const more = part.kind === 'one' || part.greedy ? -1 : 1
        return more * (ofA.length - ofB.length)
      }
      const at = ofA.findIndex((event, place) => event !== ofB[place])
      if (at !== -1) return (ofA[at] as number) - (ofB[at] as number)
    }
    return 0
  }

  /** First event that a later result may have begun at. */
  resumeAt(assignment: Assignment): number {
    const { afterMatch } = this.#spec
    if (afterMatch.kind === 'none') return 0
    if (afterMatch.kind === 'next') return startOf(assignment) + 1
    if (afterMatch.kind === 'past-last') return (assignment.at(-1)?.[1] ?? 0) + 1
    const part = this.#parts.findIndex(({ name }) => name === afterMatch.part)
    const events = eventsOf(assignment, part)
    return (afterMatch.kind === 'first' ? events[0] : events.at(-1)) ?? 0
  }

  outcome({ kind, assignment, timeMs }: Known): ModelOutcome {
    const all = this.#matched(assignment)
    const [last, lastEvent] = assignment.at(-1) as readonly [number, number]
    const reached = this.#parts.slice(0, kind === 'match' ? undefined : last + 1)
    const names = reached.filter((part) => part.kind !== 'none').map(({ name }) => name)
    return {
      kind,
      timeMs,
      matched: Object.fromEntries(names.map((name) => [name, all[name]])),
      startTime: this.#startTime(assignment),
      endTime: kind === 'match' ? (this.#events[lastEvent]?.timeMs ?? null) : null,
    }
  }

  #mayFollow(before: Assignment, part: number, event: number): boolean {
    if (!this.#isOpen(before, part, event) || !this.#fits(before, part, event)) return false
    // Neither is the event itself one that a greedy part takes, nor one that must not follow.
    const last = before.at(-1)
    if (this.#greedyBetween(before, part).some((g) => this.#takes(before, g, event))) return false
    return !this.#absentBetween(last?.[0] ?? -1, part).some((one) => {
      const isDirect = this.#parts[one]?.link === 'then' && event === (last?.[1] ?? 0) + 1
      return isDirect && this.#fits(before, one, event)
    })
  }

  /** Whether some event at place `event` could be taken for the part, seen from those before it. */
  #isOpen(before: Assignment, part: number, event: number): boolean {
    if (this.#parts[part]?.kind === 'none' || !this.#canStep(before, part)) return false
    if (before.length === 0) return true
    const next = (before.at(-1)?.[1] ?? 0) + 1
    const link = this.#linkTo(before, part)
    if (link === 'then' && event !== next) return false
    const between = range(next, event)
    if (link === 'followedBy' && between.some((one) => this.#fits(before, part, one))) return false
    const absent = this.#absentBetween(before.at(-1)?.[0] ?? -1, part)
    if (absent.some((one) => this.#comes(before, one, event))) return false
    return !this.#greedyBetween(before, part).some((g) => {
      return this.#couldTake(before, g, [next, event])
    })
  }

  /** Whether the numbers of events allow that the next one is of the part (behind all: the end). */
  #canStep(before: Assignment, part: number): boolean {
    const last = before.at(-1)?.[0] ?? -1
    const count = eventsOf(before, last).length
    if (part < last) return false
    if (part === last) return count < (this.#parts[part]?.atMost ?? 0)
    if (last >= 0 && count < (this.#parts[last]?.atLeast ?? 0)) return false
    return this.#parts.slice(last + 1, part).every((one) => one.atLeast === 0)
  }

  /** Greedy parts that would be left, or left out, by a step to `part`. */
  #greedyBetween(before: Assignment, part: number): number[] {
    const last = before.at(-1)?.[0] ?? -1
    return range(Math.max(0, last), part).filter((one) => {
      return this.#parts[one]?.greedy === true && this.#canStep(before, one)
    })
  }

  #absentBetween(last: number, part: number): number[] {
    return range(last + 1, part).filter((one) => this.#parts[one]?.kind === 'none')
  }

  /** Whether a `none` part is broken by the events up to `end`. */
  #comes(before: Assignment, part: number, end: number): boolean {
    const next = (before.at(-1)?.[1] ?? 0) + 1
    const isDirect = this.#parts[part]?.link === 'then'
    const events = range(next, isDirect ? Math.min(next + 1, end) : end)
    return events.some((event) => this.#fits(before, part, event))
  }

  #couldTake(before: Assignment, part: number, [start, end]: readonly [number, number]): boolean {
    return range(start, end).some((event) => this.#takes(before, part, event))
  }

  #takes(before: Assignment, part: number, event: number): boolean {
    if (!this.#fits(before, part, event)) return false
    const last = before.at(-1)
    if (last === undefined) return true
    if (this.#linkTo(before, part) === 'then' && event !== last[1] + 1) return false
    return !this.#absentBetween(last[0], part).some((one) => {
      const isDirect = this.#parts[one]?.link === 'then'
      return this.#comes(before, one, isDirect ? event + 1 : event)
    })
  }

  #linkTo(before: Assignment, part: number): PartSpec['link'] {
    const { between, link } = this.#parts[part] as PartSpec
    return part === before.at(-1)?.[0] ? between : link
  }

  #fits(before: Assignment, part: number, event: number): boolean {
    const { value } = this.#events[event] as ModelEvent
    return (this.#parts[part] as PartSpec).condition(value, this.#matched(before))
  }

  #matched(assignment: Assignment): Record<string, unknown> {
    return Object.fromEntries(
      this.#parts.map(({ name, kind }, part) => {
        const values = eventsOf(assignment, part).map((event) => this.#events[event]?.value)
        return [name, kind === 'some' ? values : (values[0] ?? null)]
      }),
    )
  }

  #startTime(assignment: Assignment): number {
    return (this.#events[startOf(assignment)] as ModelEvent).timeMs
  }

  /** Place of the first event that is too late for it. */
  #endOf(assignment: Assignment): number {
    const { withinMs } = this.#spec
    if (withinMs === null || assignment.length === 0) return this.#events.length
    const deadline = this.#startTime(assignment) + withinMs
    const end = this.#events.findIndex(({ timeMs }) => timeMs >= deadline)
    return end === -1 ? this.#events.length : end
  }
}

function eventsOf(assignment: Assignment, part: number): number[] {
  return assignment.filter(([one]) => one === part).map(([, event]) => event)
}

/** Whole numbers from `start` up to and without `end`. */
function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i)
}
