/**
 * `match`: finds a pattern in the records of each key, in order of event time (as Flink's CEP
 * operator: an element waits until the watermark has passed it).
 *
 * A watermark w says that no record before w will come: then the records with time < w are
 * matched, those of equal time in order of arrival, and what is to be complete within a span that
 * ends at or before w is given or timed out. A record with time < w that comes after is late. What
 * happens at one advance leaves in order of time, then key. A match has the event time of the
 * event that made it complete, or deadline − 1 where the end of the span did; so does what is
 * timed out. So nothing that leaves is older than the watermark was.
 *
 * A condition that throws at a record leaves no trace of it: the record goes to the dead letters,
 * and matching goes on as if it had not come.
 *
 * Stores: `<step>/events`: namespace = event time, key → its values of that time, in order of
 * arrival; of records that wait, and of those that a partial match holds. `<step>`: key → its
 * partial matches, and the times of the events kept for them.
 */
import type { Key } from '../../core/key.ts'
import type { MatchSpec } from '../../pipeline/patterns/match-spec.ts'
import { KeyDeadlines, sortedKeys } from '../patterns/key-deadlines.ts'
import { noMatches, retain } from '../patterns/kept-events.ts'
import type { KeyMatches } from '../patterns/kept-events.ts'
import { matchOf, partialOf } from '../patterns/matched-view.ts'
import { Matcher } from '../patterns/matcher.ts'
import type { Matched } from '../patterns/matcher.ts'
import { fromMatchesState, toMatchesState } from '../patterns/matches-state.ts'
import { eachTaken, firstOf } from '../patterns/partial-match.ts'
import type { MatchEvent, Taken } from '../patterns/partial-match.ts'
import { compile } from '../patterns/program.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { TimeHeap } from '../time-heap.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { Operator, Push, Stateful, StepContext } from './operator.ts'

/** @param timedOut takes what was begun and not complete within the span of the pattern */
export function matchOperator(
  spec: MatchSpec,
  context: StepContext,
  emit: Push,
  timedOut: Push,
): Operator {
  const match = new Match(spec, context, { emit, timedOut })
  const push: Push = (value, key, time) => match.take(value, key, time)
  return { push, second: null, asynchronous: null, stateful: match }
}

/** Values of a key at one time, the last one first. */
interface Waiting {
  readonly value: unknown
  readonly index: number
  readonly before: Waiting | null
}

class Match implements Stateful {
  readonly #spec: MatchSpec
  readonly #context: StepContext
  readonly #outputs: { readonly emit: Push; readonly timedOut: Push }
  readonly #matcher: Matcher
  readonly #events: Store
  readonly #matches: Store
  /** Times at which records wait. */
  readonly #waiting = new TimeHeap()
  readonly #deadlines = new KeyDeadlines()
  /** Of each time that is past, for how many keys events are kept. */
  readonly #keptKeys: Map<number, number> = new Map()

  constructor(
    spec: MatchSpec,
    context: StepContext,
    outputs: { readonly emit: Push; readonly timedOut: Push },
  ) {
    this.#spec = spec
    this.#context = context
    this.#outputs = outputs
    this.#matcher = new Matcher(compile(spec))
    this.#events = context.store({ part: 'events', toState: valuesOf, fromState: waitingOf })
    this.#matches = context.store({
      toState: (value) => toMatchesState(value as KeyMatches),
      fromState: fromMatchesState,
    })
  }

  take(value: unknown, key: Key | null, time: number): void {
    const { task, step } = this.#context
    task.running = step
    if (key === null) throw missingKey(step)
    const { watermarkMs } = this.#context.time
    // At the watermark itself records may still come: it is the first time that is not complete.
    if (time < watermarkMs) {
      task.late(step, { windowEndMs: time + 1, watermarkMs })
      return
    }
    if (!this.#events.namespaces.has(time)) this.#waiting.add(time)
    const before = (this.#events.get(key, time) as Waiting | undefined) ?? null
    const index = before === null ? 0 : before.index + 1
    this.#events.set(key, { value, index, before } satisfies Waiting, time)
  }

  onRestored(): void {
    const keptTimes = this.#restoreMatches()
    for (const [time, { entries }] of this.#events.namespaces) {
      const kept = keptTimes.get(time) ?? 0
      if (kept > 0) this.#keptKeys.set(time, kept)
      if (entries.size > kept) this.#waiting.add(time)
    }
  }

  onWatermark(watermarkMs: number): void {
    for (;;) {
      // What is due at a deadline comes behind the events before it and ahead of those at it.
      const time = Math.min(this.#waiting.least, this.#deadlines.least - 1)
      if (!(time < watermarkMs)) return
      this.#pass(time)
    }
  }

  watermarkDueMs(): number {
    return Math.min(this.#waiting.least + 1, this.#deadlines.least)
  }

  onClock(): void {}

  clockDueMs(): number {
    return never
  }

  onStop(): void {}

  /** Everything that happens at `time`: the records of it, and the deadlines behind it. */
  #pass(time: number): void {
    while (this.#waiting.least === time) this.#waiting.take()
    const { least } = this.#deadlines
    const deadline = least - 1 <= time ? least : time + 1
    const waiting: Key[] = []
    for (const { key, value } of this.#events.namespaces.get(time)?.entries.values() ?? []) {
      if (value !== absent) waiting.push(key)
    }
    let kept = 0
    for (const key of sortedKeys(waiting, this.#deadlines.at(deadline))) {
      const last = this.#events.get(key, time) as Waiting | undefined
      for (const { value, index } of inOrder(last)) {
        this.#matchEvent(key, { timeMs: time, index, value })
      }
      if (this.#deadlines.has(deadline, key)) this.#expire(key, deadline)
      if (last === undefined) continue
      if (this.#matchesOf(key).kept?.timeMs === time) kept += 1
      else this.#events.delete(key, time)
    }
    this.#deadlines.drop(deadline)
    if (kept > 0) this.#keptKeys.set(time, kept)
    else this.#events.drop(time)
  }

  /** The event with all it does is atomic; what it completes is given on by itself. */
  #matchEvent(key: Key, event: MatchEvent): void {
    const { task, step } = this.#context
    let done: { readonly matched: Matched; readonly released: readonly number[] } | null = null
    const consume: Push = () => {
      task.running = step
      const matched = this.#matcher.take(this.#matchesOf(key).partials, event)
      done = { matched, released: this.#keep(key, matched, event.timeMs) }
    }
    task.emitAtomic(consume, event.value, key, event.timeMs)
    this.#finish(done, key, event.timeMs)
    const { withinMs } = this.#spec
    if (withinMs === null) return
    const begun = this.#matchesOf(key).partials.some(({ taken }) => isFirst(taken, event.timeMs))
    if (begun) this.#deadlines.add(event.timeMs + withinMs, key)
  }

  #expire(key: Key, deadlineMs: number): void {
    const matched = this.#matcher.expire(this.#matchesOf(key).partials, deadlineMs)
    const released = this.#keep(key, matched, null)
    this.#finish({ matched, released }, key, deadlineMs - 1)
    for (const taken of matched.timedOut) {
      const partial = partialOf(this.#spec.parts, taken)
      const startTime = firstOf(taken).timeMs
      const result = { key, partial, startTime, deadline: deadlineMs }
      this.#context.task.emitAtomic(this.#outputs.timedOut, result, key, deadlineMs - 1)
    }
  }

  /** @returns times whose events the key does not need any more; what is at `timeMs` stays */
  #keep(key: Key, { partials }: Matched, timeMs: number | null): readonly number[] {
    const before = this.#matchesOf(key)
    const { matches, released } = retain(before, partials, timeMs)
    if (matches === before) return released
    if (partials.length === 0) this.#matches.delete(key)
    else this.#matches.set(key, matches)
    // A time in hand still has records to come; what is left of it is seen to behind the last.
    const gone = released.filter((time) => this.#keptKeys.has(time))
    for (const time of gone) this.#events.delete(key, time)
    return gone
  }

  /** @param done null: the event was undone */
  #finish(
    done: { readonly matched: Matched; readonly released: readonly number[] } | null,
    key: Key,
    timeMs: number,
  ): void {
    if (done === null) return
    for (const time of done.released) {
      const left = (this.#keptKeys.get(time) ?? 0) - 1
      if (left > 0) {
        this.#keptKeys.set(time, left)
      } else {
        this.#keptKeys.delete(time)
        this.#events.drop(time)
      }
    }
    for (const taken of done.matched.matches) {
      const match = matchOf(this.#spec.parts, taken)
      const result = { key, match, startTime: firstOf(taken).timeMs, endTime: taken.timeMs }
      this.#context.task.emitAtomic(this.#outputs.emit, result, key, timeMs)
    }
  }

  #matchesOf(key: Key): KeyMatches {
    return (this.#matches.get(key) as KeyMatches | undefined) ?? noMatches
  }

  /** @returns of each time, for how many keys events are kept */
  #restoreMatches(): Map<number, number> {
    const { withinMs } = this.#spec
    const keptTimes = new Map<number, number>()
    for (const { key, value } of this.#matches.namespaces.get(0)?.entries.values() ?? []) {
      const matches = value as KeyMatches
      for (let at = matches.kept; at !== null; at = at.before) {
        keptTimes.set(at.timeMs, (keptTimes.get(at.timeMs) ?? 0) + 1)
      }
      eachTaken(matches.partials, (taken) => {
        taken.value = valueAt(this.#events.get(key, taken.timeMs) as Waiting, taken.index)
      })
      if (withinMs === null) continue
      for (const { taken } of matches.partials) {
        this.#deadlines.add(firstOf(taken).timeMs + withinMs, key)
      }
    }
    return keptTimes
  }
}

function isFirst(taken: Taken, timeMs: number): boolean {
  return taken.first === null && taken.timeMs === timeMs
}

function inOrder(last: Waiting | undefined): Waiting[] {
  const list: Waiting[] = []
  for (let at = last ?? null; at !== null; at = at.before) list.push(at)
  return list.reverse()
}

function valueAt(last: Waiting, index: number): unknown {
  let at: Waiting | null = last
  while (at !== null && at.index !== index) at = at.before
  return at?.value
}

function valuesOf(value: unknown): unknown[] {
  return inOrder(value as Waiting).map((one) => one.value)
}

function waitingOf(state: unknown): Waiting | null {
  return (state as unknown[]).reduce<Waiting | null>(
    (before, value, index) => ({ value, index, before }),
    null,
  )
}
