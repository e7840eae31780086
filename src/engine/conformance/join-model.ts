/**
 * What must come out of a `JoinCase`: each join by nested loops over all records that it has taken,
 * none of which is ever dropped; nothing is shared with the engine but the words.
 */
import { rawValue } from './join-case.ts'
import type { JoinCase, JoinRecord } from './join-case.ts'
import type { Restart } from './case-runner.ts'
import { timelineOf } from './join-timeline.ts'

/** A record that the join has taken. */
export interface Row extends JoinRecord {
  readonly arrival: number
  /** Has had a partner. */
  isMatched: boolean
  /** Has been given without one, or is decided. */
  isDone: boolean
}

export interface Pair {
  readonly k: string | null
  readonly t: number
  readonly left: Row | null
  readonly right: Row | null
  readonly window?: { readonly start: number; readonly end: number }
}

/** What becomes of a record: it is late, or taken, with pairs that come at once. */
export type Verdict = { readonly lateAtMs: number } | { readonly pairs: readonly Pair[] }

/** One way of joining, as plain loops over `rows`, the records taken so far. */
export interface JoinModel {
  readonly isRightGlobal: boolean
  /** A left record needs no key. */
  readonly isKeyless?: boolean
  /** A record with its row, not in `rows` yet. Marks what it matches. */
  take(row: Row, rows: readonly Row[], watermarkMs: number): Verdict
  /** What comes when event time moves, in order. Marks what is done. */
  advance(rows: Row[], fromMs: number, toMs: number): readonly Pair[]
}

/** Pairs that the step behind the join refuses. */
export function isPoison(left: number | null, right: number | null): boolean {
  return left === 7 || (left === 3 && right === 3)
}

export function joinLines(one: JoinCase, model: JoinModel, restarts: readonly Restart[]): string[] {
  const lines = new Map<string, string[]>()
  const say = (place: string, line: string): void => {
    lines.set(place, [...(lines.get(place) ?? []), line])
  }
  const rows: Row[] = []
  let watermarkMs = -Infinity
  for (const event of timelineOf(one, restarts, model)) {
    if (event.kind === 'restart') watermarkMs = event.toMs
    else if (event.kind === 'advance') {
      for (const pair of model.advance(rows, watermarkMs, event.toMs)) {
        const line = lineOf(pair)
        if (!isPoisonPair(pair)) say('out/0', line)
        else say('left.dead/0', `${line} reason=step-failed step=check value=json`)
      }
      watermarkMs = event.toMs
    } else {
      const { record, offset } = event
      const { side, partition, k, t } = record
      const raw = `${k}=${rawValue(record)}@${t}`
      const dead = (step: string): void =>
        say(`${side}.dead/${partition}`, `${raw} reason=step-failed step=${step} offset=${offset}`)
      if (k === null && (side === 'right' || model.isKeyless !== true)) {
        dead('join')
        continue
      }
      const before = rows.map(({ isMatched }) => isMatched)
      const row: Row = { ...record, arrival: rows.length, isMatched: false, isDone: false }
      const verdict = model.take(row, rows, watermarkMs)
      if ('lateAtMs' in verdict) {
        const when = `watermark=${watermarkMs} window-end=${verdict.lateAtMs}`
        say(`${side}.late/${partition}`, `${raw} reason=late step=join offset=${offset} ${when}`)
      } else if (verdict.pairs.some(isPoisonPair)) {
        // As if it had never come.
        for (const [i, isMatched] of before.entries()) (rows[i] as Row).isMatched = isMatched
        dead('check')
      } else {
        rows.push(row)
        for (const pair of verdict.pairs) say('out/0', lineOf(pair))
      }
    }
  }
  const places = [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return places.flatMap(([place, all]) => all.map((line) => `${place} ${line}`))
}

function isPoisonPair({ left, right }: Pair): boolean {
  return isPoison(left?.v ?? null, right?.v ?? null)
}

function lineOf({ k, t, window, left, right }: Pair): string {
  const value = {
    ...(window === undefined ? {} : { window }),
    left: shown(left),
    right: shown(right),
  }
  return `${k}=${JSON.stringify(value)}@${t}`
}

function shown(row: Row | null): unknown {
  return row === null ? null : { k: row.k, v: row.v, t: row.t }
}

export function byKey(a: Row, b: Row): number {
  return Buffer.compare(Buffer.from(a.k ?? ''), Buffer.from(b.k ?? ''))
}
