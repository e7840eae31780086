/** A key's sessions: a persistent list, the newest first, disjoint and more than the gap apart. */
import type { Fold } from '../operators/fold.ts'

/** Not changed any more when it is in a store, but for `timerMs`. */
export interface Session {
  /** Times of its first and its last record. */
  readonly firstMs: number
  readonly lastMs: number
  readonly kept: unknown
  /** Results given at its close and since, those of sessions that it took in included. */
  results: number
  /** Whether it has changed since the last early result. */
  isChanged: boolean
  /**
   * Time of the timer that is its own: not after its close while it is open. A timer whose time no
   * session has any more is stale. Memory only.
   */
  timerMs: number
  readonly older: Session | null
}

/** A session as it is with a further record, and the list that holds it. */
export interface Joined {
  readonly session: Session
  readonly list: Session
}

export interface JoiningRecord {
  readonly value: unknown
  readonly gapMs: number
  readonly fold: Fold
}

/**
 * Joins a record at `atMs` to the sessions within the gap of it, which become one; null where there
 * are none. What is kept is put together in order of time.
 */
export function joinSession(
  newest: Session | null,
  atMs: number,
  record: JoiningRecord,
): Joined | null {
  if (newest === null) return null
  const { gapMs } = record
  // Most records extend the newest one.
  const isNewer = newest.firstMs > atMs + gapMs
  if (!isNewer && newest.lastMs < atMs - gapMs) return null
  const { older } = newest
  if (isNewer) {
    const joined = joinSession(older, atMs, record)
    return joined && { session: joined.session, list: { ...newest, older: joined.list } }
  }
  if (older === null || older.lastMs < atMs - gapMs) {
    const kept = record.fold.add(newest.kept, record.value)
    const session = extended(newest, { atMs, kept, older })
    return { session, list: session }
  }
  const { session: first } = joinSession(older, atMs, record) as Joined
  const { fold } = record
  const session: Session = {
    firstMs: first.firstMs,
    lastMs: Math.max(first.lastMs, newest.lastMs),
    kept: fold.merge(first.kept, newest.kept),
    results: Math.max(first.results, newest.results),
    isChanged: first.isChanged || newest.isChanged,
    timerMs: Math.min(first.timerMs, newest.timerMs),
    older: first.older,
  }
  return { session, list: session }
}

function extended(
  session: Session,
  { atMs, kept, older }: { atMs: number; kept: unknown; older: Session | null },
): Session {
  return {
    firstMs: Math.min(session.firstMs, atMs),
    lastMs: Math.max(session.lastMs, atMs),
    kept,
    results: session.results,
    isChanged: session.isChanged,
    timerMs: session.timerMs,
    older,
  }
}

/** The list with another session in the place of one; null takes it out. An empty list is null. */
export function replaceSession(
  list: Session | null,
  session: Session,
  next: Session | null,
): Session | null {
  if (list === null) return null
  if (list === session) {
    return next === null ? list.older : { ...next, older: list.older }
  }
  return { ...list, older: replaceSession(list.older, session, next) }
}

/** A session of a record that touches none. */
export function insertSession(newest: Session | null, atMs: number, kept: unknown): Joined {
  if (newest !== null && newest.firstMs > atMs) {
    const { session, list } = insertSession(newest.older, atMs, kept)
    return { session, list: { ...newest, older: list } }
  }
  const session: Session = {
    firstMs: atMs,
    lastMs: atMs,
    kept,
    results: 0,
    isChanged: false,
    timerMs: Number.POSITIVE_INFINITY,
    older: newest,
  }
  return { session, list: session }
}

/** Of each session: first, last, kept, results, changed; the newest first. */
const fieldsOfSession = 5

/** How lists are kept: all in one array. */
export function sessionState(fold: Fold): {
  toState: (list: unknown) => unknown
  fromState: (state: unknown) => unknown
} {
  return {
    toState: (newest) => {
      const state: unknown[] = []
      for (let s = newest as Session | null; s !== null; s = s.older) {
        state.push(s.firstMs, s.lastMs, fold.toState(s.kept), s.results, s.isChanged)
      }
      return state
    },
    fromState: (state) => {
      const fields = state as unknown[]
      let list: Session | null = null
      for (let at = fields.length - fieldsOfSession; at >= 0; at -= fieldsOfSession) {
        list = {
          firstMs: fields[at] as number,
          lastMs: fields[at + 1] as number,
          kept: fold.fromState(fields[at + 2]),
          results: fields[at + 3] as number,
          isChanged: fields[at + 4] as boolean,
          timerMs: Number.POSITIVE_INFINITY,
          older: list,
        }
      }
      return list
    },
  }
}
