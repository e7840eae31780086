/**
 * `aggregate` and `reduce` over sessions (merging windows, the Dataflow model, Akidau et al. 2015).
 *
 * A key's records at t and u are in one session when |t − u| ≤ gap, so a record at exactly
 * last + gap still belongs to it. Its window is { start: first, end: last + gap }; it is complete
 * when time is past `end`, at end + 1 ms, and its results have event time `end`: the last instant
 * at which a record could have joined. (Flink merges in the same way but closes at `end`, where a
 * record at `end` may still come.)
 *
 * A session is kept until end + 1 ms + lateness. A record that touches a session that is kept joins
 * it, closed or not; one that touches none is late when a session of its own would be gone. What
 * joins a closed session gives the result again with a `revision`: at once where the session is
 * closed with it too, else when it closes.
 *
 * Stores: `<step>`: key → sessions, the newest first.
 */
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { SessionWindow } from '../../pipeline/window-spec.ts'
import { KeyTimers } from '../key-timers.ts'
import { absent } from '../state/store.ts'
import type { Entry, Store } from '../state/store.ts'
import type { OpenWindow, TimedWindows, WindowClock } from '../windows/window-clock.ts'
import { noParts } from '../windows/window-results.ts'
import type { ResultPlace, WindowResults } from '../windows/window-results.ts'
import { insertSession, joinSession, replaceSession, sessionState } from '../windows/session.ts'
import type { Session } from '../windows/session.ts'
import type { WindowStep } from '../windows/window-step.ts'
import type { Fold } from './fold.ts'
import { missingKey } from './missing-key.ts'
import type { TaskContext } from './operator.ts'

export class SessionFold implements TimedWindows {
  readonly #fold: Fold
  readonly #task: TaskContext
  readonly #step: string
  readonly #results: WindowResults
  readonly #clock: WindowClock
  readonly #reached: WindowClock['reached']
  readonly #gapMs: number
  readonly #latenessMs: number
  readonly #store: Store
  /** For each session its close or end; see `Session.timerMs`. */
  readonly #timers = new KeyTimers()
  /** Keys with changes that no early result has told of; some may have none any more. */
  readonly #changed = new Map<string | number, Key>()

  constructor({ node, fold, results, clock, context }: WindowStep, { gapMs }: SessionWindow) {
    this.#fold = fold
    this.#task = context.task
    this.#step = context.step
    this.#results = results
    this.#clock = clock
    this.#reached = clock.reached
    this.#gapMs = gapMs
    this.#latenessMs = node.latenessMs
    this.#store = context.store(sessionState(fold))
  }

  take(value: unknown, key: Key | null, time: number): void {
    const task = this.#task
    task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const at = this.#clock.timeOf(time)
    const gapMs = this.#gapMs
    const keys = this.#store.namespace(0)
    const entry = this.#store.find(keys, key)
    const newest = entry === undefined || entry.value === absent ? null : (entry.value as Session)
    const reachedMs = this.#reached.watermarkMs
    const joined = joinSession(newest, at, { value, gapMs, fold: this.#fold })
    if (joined === null) {
      // A session of its own: [at, at], complete at at + gap + 1.
      if (at + gapMs + 1 + this.#latenessMs <= reachedMs) {
        task.late(this.#step, { windowEndMs: at + gapMs, watermarkMs: reachedMs })
        return
      }
    }
    const { session, list } = joined ?? insertSession(newest, at, this.#fold.first(value))
    this.#took(session, key, reachedMs)
    if (entry === undefined) this.#store.make(keys, key, list)
    else this.#store.write(entry, list)
  }

  restored(): void {
    for (const entry of this.#store.namespaces.get(0)?.entries.values() ?? []) {
      if (entry.value === absent) continue
      for (let s: Session | null = entry.value as Session; s !== null; s = s.older) {
        this.#setTimer(s, entry.key, this.#dueOf(s, this.#reached.watermarkMs))
        if (s.isChanged) this.#noteChange(entry.key)
      }
    }
  }

  advance(toMs: number): void {
    while (this.#timers.leastMs <= toMs) {
      const timeMs = this.#timers.leastMs
      const key = this.#timers.leastKey
      this.#timers.take()
      const entry = this.#store.find(this.#store.namespace(0), key)
      if (entry === undefined || entry.value === absent) continue
      const newest = entry.value as Session
      const session = sessionOf(newest, timeMs)
      if (session !== null) this.#due(entry, session, timeMs)
    }
  }

  dueMs(): number {
    return this.#timers.leastMs
  }

  flush(): void {
    const reachedMs = this.#reached.watermarkMs
    const due: { key: Key; session: Session }[] = []
    for (const key of this.#changed.values()) {
      const entry = this.#store.find(this.#store.namespace(0), key)
      if (entry === undefined || entry.value === absent) continue
      let list: Session = entry.value as Session
      for (let s: Session | null = list; s !== null; s = s.older) {
        if (!s.isChanged) continue
        if (this.#closeOf(s) > reachedMs) due.push({ key, session: s })
        list = replaceSession(list, s, { ...s, isChanged: false }) as Session
      }
      this.#store.write(entry, list)
    }
    this.#changed.clear()
    due.sort((a, b) => a.session.lastMs - b.session.lastMs || compareKeys(a.key, b.key))
    for (const { key, session } of due) this.#giveAtomic(key, session, 'early', 0)
  }

  open(): OpenWindow[] {
    const windows: OpenWindow[] = []
    for (const { key, value } of this.#store.namespaces.get(0)?.entries.values() ?? []) {
      if (value === absent) continue
      for (let s: Session | null = value as Session; s !== null; s = s.older) {
        const dueMs = this.#closeOf(s)
        if (dueMs > this.#reached.watermarkMs) windows.push({ key, ...this.#placeOf(s), dueMs })
      }
    }
    return windows
  }

  /** The first time at which no record can join any more. */
  #closeOf({ lastMs }: Session): number {
    return lastMs + this.#gapMs + 1
  }

  /** When there is something to do for a session: at its close, else when it is forgotten. */
  #dueOf(session: Session, reachedMs: number): number {
    const closeMs = this.#closeOf(session)
    return closeMs > reachedMs ? closeMs : closeMs + this.#latenessMs
  }

  #setTimer(session: Session, key: Key, dueMs: number): void {
    session.timerMs = dueMs
    this.#timers.add(dueMs, key)
  }

  /** A session has a further record: results at once, timers. Not in the store yet. */
  #took(session: Session, key: Key, reachedMs: number): void {
    const dueMs = this.#dueOf(session, reachedMs)
    if (session.timerMs > dueMs) this.#setTimer(session, key, dueMs)
    if (this.#closeOf(session) <= reachedMs) {
      // As elsewhere the first result of a key that comes late has revision 1.
      const revision = Math.max(session.results, 1)
      session.results = revision + 1
      this.#give(key, session, 'late', revision)
      return
    }
    if (this.#results.givesUpdates) this.#give(key, session, 'early', 0)
    if (this.#clock.early === null) return
    session.isChanged = true
    this.#noteChange(key)
  }

  #noteChange(key: Key): void {
    this.#clock.early?.arm()
    this.#changed.set(stateKey(key), key)
  }

  #due(entry: Entry, session: Session, timeMs: number): void {
    const { key } = entry
    const closeMs = this.#closeOf(session)
    if (timeMs < closeMs) this.#setTimer(session, key, closeMs)
    else if (timeMs === closeMs) {
      if (this.#latenessMs === 0) this.#replace(entry, session, null)
      else {
        const results = session.results + 1
        const timerMs = closeMs + this.#latenessMs
        this.#replace(entry, session, { ...session, results, isChanged: false, timerMs })
        this.#timers.add(timerMs, key)
      }
      this.#giveAtomic(key, session, 'final', session.results)
    } else if (timeMs < closeMs + this.#latenessMs) {
      this.#setTimer(session, key, closeMs + this.#latenessMs)
    } else this.#replace(entry, session, null)
  }

  #replace(entry: Entry, session: Session, next: Session | null): void {
    const list = replaceSession(entry.value as Session, session, next)
    this.#store.write(entry, list ?? absent)
  }

  #placeOf({ firstMs, lastMs }: Session): ResultPlace {
    const endMs = lastMs + this.#gapMs
    return { startMs: firstMs, endMs, timeMs: endMs }
  }

  #give(key: Key, session: Session, pane: 'early' | 'late', revision: number): void {
    const place = this.#placeOf(session)
    const window = this.#results.window(place, pane, revision)
    this.#results.give(key, session.kept, window, place.timeMs)
  }

  #giveAtomic(key: Key, session: Session, pane: 'early' | 'final', revision: number): void {
    const place = this.#placeOf(session)
    const window = this.#results.window(place, pane, revision)
    this.#results.giveAtomic(key, session.kept, noParts, { window, timeMs: place.timeMs })
  }
}

function sessionOf(newest: Session, timerMs: number): Session | null {
  for (let s: Session | null = newest; s !== null; s = s.older) if (s.timerMs === timerMs) return s
  return null
}
