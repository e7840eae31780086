/** The ways of joining that the model tests know, each as a pipeline and as plain loops. */
import { asOf, sameWindow, within } from '../../pipeline/join-how.ts'
import type { StreamJoin } from '../../pipeline/join-how.ts'
import { globalTable } from '../../pipeline/global-table.ts'
import type { JoinType } from '../../pipeline/join-spec.ts'
import { from } from '../../pipeline/from.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { pipeline } from '../../pipeline/pipeline.ts'
import type { Stream } from '../../pipeline/stream.ts'
import { topic } from '../../pipeline/topic.ts'
import type { Topic } from '../../pipeline/topic.ts'
import { cumulative, sliding, tumbling } from '../../pipeline/window.ts'
import type { WindowSpec } from '../../pipeline/window-spec.ts'
import { tableBucketMs } from '../operators/versioned-join.ts'
import { byKey, isPoison } from './join-model.ts'
import type { JoinModel, Pair, Row } from './join-model.ts'

interface Value {
  readonly k: string
  readonly v: number
  readonly t: number
}

export interface TestedJoin {
  /** What a unit of time is in ms. */
  readonly scaleMs: number
  readonly pipeline: Pipeline
  readonly model: JoinModel
}

const settings = {
  key: (value: unknown) => (value as Value).k,
  time: (value: unknown) => (value as Value).t,
}
const left = topic('left', settings) as Topic<Value, string>
const right = topic('right', settings) as Topic<Value, string>

/** Changes of a table: values of 0 delete. */
const table = {
  kind: 'table' as const,
  node: from(right).map((row) => ({ before: null, after: row.v === 0 ? null : row })).node,
}

/** Written first, then looked at by a step that refuses some: nothing of those may stay. */
function sinks(...args: readonly unknown[]): Pipeline {
  type Joined = { left: Value | null; right: Value | null }
  const stream = from(left)
  const join = stream.join as (...given: unknown[]) => Stream<Joined, string>
  const joined = join.apply(stream, [...args]).named('join')
  const check = (pair: Joined): Joined => {
    if (isPoison(pair.left?.v ?? null, pair.right?.v ?? null)) throw new Error('poison')
    return pair
  }
  const checked = joined.map(check).named('check')
  return pipeline(
    'joins',
    joined.to(topic('out')),
    checked.forEach(() => {}),
  )
}

function streams(how: StreamJoin, options: object): Pipeline {
  return sinks(from(right), how, options)
}

const hasUnmatched = (type: JoinType, side: Row['side']): boolean =>
  type === side || type === 'full'

function pairOf(row: Row, other: Row | null, t: number): Pair {
  const isLeft = row.side === 'left'
  return { k: row.k, t, left: isLeft ? row : other, right: isLeft ? other : row }
}

export interface IntervalRules {
  readonly type: JoinType
  readonly beforeMs: number
  readonly afterMs: number
  readonly latenessMs: number
}

export function intervalJoin({ type, beforeMs, afterMs, latenessMs }: IntervalRules): TestedJoin {
  /** Until its last partner can come. */
  const lastMs = (row: Row): number =>
    row.t + (row.side === 'left' ? afterMs : beforeMs) + latenessMs
  const isForever = beforeMs === Infinity
  const model: JoinModel = {
    isRightGlobal: false,
    take: (row, rows, watermarkMs) => {
      if (!isForever && row.t + latenessMs < watermarkMs)
        return { lateAtMs: row.t + latenessMs + 1 }
      const partners = rows.filter((other) => {
        if (other.side === row.side || other.k !== row.k) return false
        const distance = row.side === 'left' ? other.t - row.t : row.t - other.t
        return distance >= -beforeMs && distance <= afterMs
      })
      for (const other of partners) other.isMatched = true
      row.isMatched = partners.length > 0
      const inOrder = partners.toSorted((a, b) => a.t - b.t || a.arrival - b.arrival)
      const pairs = inOrder.map((other) => pairOf(row, other, Math.max(row.t, other.t)))
      if (row.isMatched || lastMs(row) >= watermarkMs) return { pairs }
      row.isDone = true
      return { pairs: hasUnmatched(type, row.side) ? [pairOf(row, null, row.t)] : [] }
    },
    advance: (rows, _fromMs, toMs) => {
      const due = rows.filter((row) => !row.isMatched && !row.isDone && lastMs(row) < toMs)
      for (const row of due) row.isDone = true
      const sideOf = ({ side }: Row): number => Number(side === 'right')
      return due
        .filter(({ side }) => hasUnmatched(type, side))
        .toSorted(
          (a, b) => a.t - b.t || byKey(a, b) || sideOf(a) - sideOf(b) || a.arrival - b.arrival,
        )
        .map((row) => pairOf(row, null, row.t))
    },
  }
  const how = isForever
    ? within('forever')
    : within({ before: `${beforeMs}ms`, after: `${afterMs}ms` })
  const options = isForever ? {} : { type, lateness: `${latenessMs}ms` }
  return { scaleMs: 1, model, pipeline: streams(how, options) }
}

/** @param windowsOf all windows that hold a time */
export function windowJoin(
  type: JoinType,
  window: WindowSpec,
  windowsOf: (t: number) => readonly { start: number; end: number }[],
): TestedJoin {
  const lastEnd = (t: number): number => Math.max(...windowsOf(t).map(({ end }) => end))
  const model: JoinModel = {
    isRightGlobal: false,
    take: ({ t }, _rows, watermarkMs) =>
      lastEnd(t) <= watermarkMs ? { lateAtMs: lastEnd(t) } : { pairs: [] },
    advance: (rows, fromMs, toMs) => {
      const closing = new Map<number, { start: number; end: number }>()
      for (const { t } of rows) {
        for (const each of windowsOf(t)) {
          if (each.end > fromMs && each.end <= toMs) closing.set(each.end, each)
        }
      }
      const pairs: Pair[] = []
      for (const each of [...closing.values()].toSorted((a, b) => a.end - b.end)) {
        const within = rows.filter(({ t }) => t >= each.start && t < each.end)
        const keys = new Map(within.toSorted(byKey).map((row) => [row.k, row]))
        for (const k of keys.keys()) {
          const lefts = within.filter((row) => row.k === k && row.side === 'left')
          const rights = within.filter((row) => row.k === k && row.side === 'right')
          const add = (one: Row, other: Row | null): void => {
            pairs.push({ ...pairOf(one, other, each.end - 1), window: each })
          }
          for (const one of lefts) for (const other of rights) add(one, other)
          if (rights.length === 0 && hasUnmatched(type, 'left'))
            for (const one of lefts) add(one, null)
          if (lefts.length === 0 && hasUnmatched(type, 'right'))
            for (const one of rights) add(one, null)
        }
      }
      return pairs
    },
  }
  return { scaleMs: 1, model, pipeline: streams(sameWindow(window), { type }) }
}

interface VersionRules {
  readonly type: 'inner' | 'left'
  readonly historyMs: number
  readonly validMs: number
  /** Rows of 0 are deletes. */
  readonly isTable: boolean
}

function versionModel({ type, historyMs, validMs, isTable }: VersionRules): JoinModel {
  /** The newest version of a key in [fromMs, toMs], of equal times the last. */
  const newest = (rows: readonly Row[], k: string | null, fromMs: number, toMs: number) =>
    rows
      .filter((row) => row.side === 'right' && row.k === k && !row.isDone)
      .filter(({ t }) => t >= fromMs && t <= toMs)
      .toSorted((a, b) => a.t - b.t || a.arrival - b.arrival)
      .at(-1)
  const decide = (row: Row, rows: readonly Row[]): Pair[] => {
    const found = newest(rows, row.k, row.t - validMs, row.t)
    const version = found === undefined || (isTable && found.v === 0) ? null : found
    return version === null && type === 'inner' ? [] : [pairOf(row, version, row.t)]
  }
  /** Deletes are forgotten with their bucket, and what they stand for. */
  const forgetDeletes = (rows: readonly Row[], toMs: number): void => {
    const bucketMs = tableBucketMs(historyMs)
    const settledMs = Math.floor((toMs - historyMs + 1) / bucketMs) * bucketMs
    for (const k of new Set(rows.map((row) => row.k))) {
      if (newest(rows, k, -Infinity, settledMs - 1)?.v !== 0) continue
      for (const row of rows) {
        if (row.side === 'right' && row.k === k && row.t < settledMs) row.isDone = true
      }
    }
  }
  return {
    isRightGlobal: false,
    take: (row, rows, watermarkMs) => {
      const oldestMs = watermarkMs - historyMs
      if (isTable) forgetDeletes(rows, watermarkMs)
      if (row.side === 'right') {
        if (row.t + validMs < oldestMs) return { lateAtMs: row.t + validMs + 1 }
        const newer = newest(rows, row.k, -Infinity, oldestMs)
        const isMet = newer === undefined || newer.t <= row.t
        return isMet ? { pairs: [] } : { lateAtMs: newer.t + historyMs }
      }
      if (row.t >= watermarkMs) return { pairs: [] }
      if (row.t < oldestMs) return { lateAtMs: row.t + historyMs + 1 }
      row.isDone = true
      return { pairs: decide(row, rows) }
    },
    advance: (rows, _fromMs, toMs) => {
      const due = rows.filter((row) => row.side === 'left' && !row.isDone && row.t < toMs)
      const pairs = due
        .toSorted((a, b) => a.t - b.t || byKey(a, b) || a.arrival - b.arrival)
        .flatMap((row) => decide(row, rows))
      for (const row of due) row.isDone = true
      if (isTable) forgetDeletes(rows, toMs)
      return pairs
    },
  }
}

export function asOfJoin(type: 'inner' | 'left', toleranceMs: number): TestedJoin {
  const rules = { type, historyMs: 0, validMs: toleranceMs, isTable: false }
  const tested = streams(asOf(`${toleranceMs}ms`), { type })
  return { scaleMs: 1, model: versionModel(rules), pipeline: tested }
}

/** @param historyMs 0: none */
export function versionedJoin(type: 'inner' | 'left', historyMs: number): TestedJoin {
  const options = historyMs === 0 ? { type } : { type, history: `${historyMs}ms` }
  const rules = { type, historyMs, validMs: Infinity, isTable: true }
  return { scaleMs: 300, model: versionModel(rules), pipeline: sinks(table, options) }
}

/** With the table as it is now, or with a global one. */
export function latestJoin(type: 'inner' | 'left', of: 'table' | 'global'): TestedJoin {
  const model: JoinModel = {
    isRightGlobal: of === 'global',
    isKeyless: of === 'global',
    take: (row, rows) => {
      if (row.side === 'right') return { pairs: [] }
      const k = of === 'global' ? (row.v % 2 === 0 ? 'a' : null) : row.k
      const found = rows.findLast((other) => other.side === 'right' && other.k === k) ?? null
      const newest = of === 'table' && found?.v === 0 ? null : found
      return { pairs: newest === null && type === 'inner' ? [] : [pairOf(row, newest, row.t)] }
    },
    advance: () => [],
  }
  const by = ({ v }: Value): string | null => (v % 2 === 0 ? 'a' : null)
  const tested =
    of === 'table'
      ? sinks(table, { type, asOf: 'latest' })
      : sinks(globalTable(right), { type, by })
  return { scaleMs: 1, model, pipeline: tested }
}

function tumblingAt(sizeMs: number, t: number): { start: number; end: number } {
  const start = Math.floor(t / sizeMs) * sizeMs
  return { start, end: start + sizeMs }
}

/** Windows of 10 ms every 4 ms. */
function slidingAt(t: number): { start: number; end: number }[] {
  const windows: { start: number; end: number }[] = []
  for (let start = Math.floor((t - 10) / 4) * 4; start <= t; start += 4) {
    if (t < start + 10) windows.push({ start, end: start + 10 })
  }
  return windows
}

/** From the start of 30 ms to each 10 ms. */
function cumulativeAt(t: number): { start: number; end: number }[] {
  const { start } = tumblingAt(30, t)
  return [10, 20, 30].map((ms) => ({ start, end: start + ms })).filter(({ end }) => t < end)
}

const tumbling10 = (t: number): { start: number; end: number }[] => [tumblingAt(10, t)]

/** Each kind of join, with its types and edges. */
export const testedJoins: Readonly<Record<string, TestedJoin>> = {
  'within, inner': intervalJoin({ type: 'inner', beforeMs: 5, afterMs: 5, latenessMs: 0 }),
  'within, left': intervalJoin({ type: 'left', beforeMs: 2, afterMs: 9, latenessMs: 0 }),
  'within, right': intervalJoin({ type: 'right', beforeMs: 7, afterMs: 0, latenessMs: 5 }),
  'within, full': intervalJoin({ type: 'full', beforeMs: 4, afterMs: 4, latenessMs: 25 }),
  'within, later only': intervalJoin({ type: 'full', beforeMs: -3, afterMs: 8, latenessMs: 2 }),
  'within, same time': intervalJoin({ type: 'full', beforeMs: 0, afterMs: 0, latenessMs: 3 }),
  'within, forever': intervalJoin({
    type: 'inner',
    beforeMs: Infinity,
    afterMs: Infinity,
    latenessMs: 0,
  }),
  'same window, inner': windowJoin('inner', tumbling('10ms'), tumbling10),
  'same window, full': windowJoin('full', tumbling('10ms'), tumbling10),
  'same sliding window': windowJoin('left', sliding('10ms', { every: '4ms' }), slidingAt),
  'same cumulative window': windowJoin(
    'right',
    cumulative('10ms', { within: '30ms' }),
    cumulativeAt,
  ),
  'as of, inner': asOfJoin('inner', 20),
  'as of, left': asOfJoin('left', 3),
  'table at event time, inner': versionedJoin('inner', 0),
  'table at event time, left': versionedJoin('left', 0),
  'table with a history': versionedJoin('left', 4000),
  'table, latest': latestJoin('left', 'table'),
  'global table': latestJoin('left', 'global'),
  'global table, inner': latestJoin('inner', 'global'),
}
