/** The pipelines of tables that the model tests know, each also as plain loops. */
import { count } from '../../pipeline/aggregators/count.ts'
import { max, min } from '../../pipeline/aggregators/extreme.ts'
import { mean, sum } from '../../pipeline/aggregators/sum.ts'
import { from } from '../../pipeline/from.ts'
import type { JoinType } from '../../pipeline/join-spec.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { pipeline } from '../../pipeline/pipeline.ts'
import type { Stream, Table } from '../../pipeline/stream.ts'
import { topic } from '../../pipeline/topic.ts'
import type { Topic } from '../../pipeline/topic.ts'
import type { JoinRecord } from './join-case.ts'
import { computed, isPoison, newest } from './table-model.ts'
import type { TableModel } from './table-model.ts'
import { dedupeModel, differingModel, fadingModel, topModel } from './table-models.ts'

interface Value {
  readonly k: string
  readonly v: number
  readonly t: number
}

export interface TestedTable {
  readonly pipeline: Pipeline
  /** A new one for each case. */
  model(): TableModel
}

const settings = {
  key: (value: unknown) => (value as Value).k,
  time: (value: unknown) => (value as Value).t,
}
const left = from(topic('left', settings) as Topic<Value, string>)
const right = from(topic('right', settings) as Topic<Value, string>)

/** Values of 0 delete. */
function tableOf(stream: Stream<Value, string>, name: string): Table<Value, string> {
  return stream
    .map((value) => (value.v === 0 ? null : value))
    .toTable()
    .named(name)
}

/** Written first, then looked at by a step that refuses some: nothing of those may stay. */
function sinks(results: Stream<unknown, string>, others: readonly Pipeline[] = []): Pipeline {
  const checked = results.map((value) => {
    if (isPoison(value)) throw new Error('poison')
    return value
  })
  return pipeline(
    'tables',
    results.to(topic('out')),
    checked.named('check').forEach(() => {}),
    ...others,
  )
}

const ignored = right.named('right').forEach(() => {})
const leftTable = tableOf(left, 'left-table')
const rightTable = tableOf(right, 'right-table')
const bothSteps = { left: 'left-table', right: 'right-table' }
const shown = ({ k, v, t }: JoinRecord): Value => ({ k: k ?? '', v, t })
const byKey = <R>(rows: readonly JoinRecord[], of: (row: JoinRecord) => R): Map<string, R> =>
  new Map(rows.map((row) => [row.k ?? '', of(row)]))

function running(): TestedTable {
  const table = left.aggregate({ n: count(), total: sum((r) => r.v) }).named('fold')
  const model = computed.bind(null, { left: 'fold', right: null }, (records) => {
    const groups = Map.groupBy(records, ({ k }) => k ?? '')
    const rows = [...groups].map(([key, group]) => {
      return [key, { key, n: group.length, total: total(group) }] as const
    })
    return new Map(rows)
  })
  return { pipeline: sinks(table.changes(), [ignored]), model: () => model() }
}

function total(rows: readonly JoinRecord[]): number {
  return rows.reduce((soFar, { v }) => soFar + v, 0)
}

function mapped(): TestedTable {
  const table = leftTable
    .map(({ v }) => (v % 5 === 0 ? null : { half: v >> 1 }))
    .filter(({ half }) => half !== 1)
  const model = (): TableModel =>
    computed({ left: 'left-table', right: null }, (records) => {
      const rows = newest(records, 'left').filter(({ v }) => v % 5 !== 0 && v >> 1 !== 1)
      return byKey(rows, ({ v }) => ({ half: v >> 1 }))
    })
  return { pipeline: sinks(table.changes(), [ignored]), model }
}

function joined(type: JoinType): TestedTable {
  const table = leftTable.join(rightTable, { type }).named('join')
  const model = (): TableModel =>
    computed(bothSteps, (records) => {
      const lefts = byKey(newest(records, 'left'), shown)
      const rights = byKey(newest(records, 'right'), shown)
      const pairs = [...new Set([...lefts.keys(), ...rights.keys()])].map((k) => {
        return [k, { left: lefts.get(k) ?? null, right: rights.get(k) ?? null }] as const
      })
      const given = pairs.filter(([, pair]) => {
        if (pair.left === null) return type === 'right' || type === 'full'
        return pair.right !== null || type === 'left' || type === 'full'
      })
      return new Map(given)
    })
  return { pipeline: sinks(table.changes()), model }
}

/** null, or one of the right table's keys. */
function foreignKey(v: number): string | null {
  return v % 4 === 0 ? null : (['a', 'b', 'ä€'][v % 3] ?? null)
}

function foreignJoined(type: 'inner' | 'left'): TestedTable {
  const table = leftTable.join(rightTable, { on: ({ v }) => foreignKey(v), type }).named('join')
  const model = (): TableModel =>
    computed(bothSteps, (records) => {
      const rights = byKey(newest(records, 'right'), shown)
      const pairs = newest(records, 'left').map((row) => {
        const right = rights.get(foreignKey(row.v) ?? '') ?? null
        return [row.k ?? '', { left: shown(row), right }] as const
      })
      return new Map(pairs.filter(([, pair]) => pair.right !== null || type === 'left'))
    })
  return { pipeline: sinks(table.changes()), model }
}

/** Groups of rows, by what is computed of each. */
function groupsOf<R>(rows: Iterable<R>, of: (row: R) => number): Map<string, R[]> {
  return Map.groupBy(rows, (row) => `g${of(row) % 3}`)
}

/** The group that a row leaves comes before the one it goes to. */
function moves<R>(
  rowsOf: (records: readonly JoinRecord[]) => ReadonlyMap<string, R>,
  of: (row: R) => number,
) {
  return (before: readonly JoinRecord[], after: readonly JoinRecord[]): readonly string[] => {
    const row = rowsOf(before).get(after.at(-1)?.k ?? '')
    return row === undefined ? [] : [`g${of(row) % 3}`]
  }
}

/** The average over maxima. */
function regroupedMaxima(): TestedTable {
  const table = left
    .aggregate({ peak: max((r) => r.v), low: min((r) => r.v) })
    .named('fold')
    .groupBy(({ peak, low }) => `g${(peak + low) % 3}`)
    .aggregate({ n: count(), average: mean((row) => row.peak), top: max((row) => row.peak) })
  const rowsOf = (records: readonly JoinRecord[]): Map<string, { peak: number; low: number }> => {
    const groups = Map.groupBy(records, ({ k }) => k ?? '')
    const rows = [...groups].map(([k, group]) => {
      const values = group.map(({ v }) => v)
      return [k, { peak: Math.max(...values), low: Math.min(...values) }] as const
    })
    return new Map(rows)
  }
  const groupOf = (row: { peak: number; low: number }): number => row.peak + row.low
  const results = (records: readonly JoinRecord[]): Map<string, unknown> => {
    const groups = groupsOf(rowsOf(records).values(), groupOf)
    return new Map(
      [...groups].map(([key, rows]) => {
        const peaks = rows.map(({ peak }) => peak)
        const average = peaks.reduce((a, b) => a + b, 0) / peaks.length
        return [key, { key, n: peaks.length, average, top: Math.max(...peaks) }] as const
      }),
    )
  }
  const steps = { left: 'fold', right: null }
  return {
    pipeline: sinks(table.changes(), [ignored]),
    model: () => computed(steps, results, moves(rowsOf, groupOf)),
  }
}

const leftRows = (records: readonly JoinRecord[]): Map<string, JoinRecord> =>
  byKey(newest(records, 'left'), (row) => row)

function regroupedTable(): TestedTable {
  const table = leftTable
    .groupBy(({ v }) => `g${v % 3}`)
    .aggregate({ total: sum((r) => r.v), least: min((r) => r.v) })
  const results = (records: readonly JoinRecord[]): Map<string, unknown> =>
    new Map(
      [...groupsOf(leftRows(records).values(), ({ v }) => v)].map(([key, rows]) => {
        const least = Math.min(...rows.map(({ v }) => v))
        return [key, { key, total: total(rows), least }] as const
      }),
    )
  const model = (): TableModel =>
    computed(
      { left: 'left-table', right: null },
      results,
      moves(leftRows, ({ v }) => v),
    )
  return { pipeline: sinks(table.changes(), [ignored]), model }
}

function regroupedTop(): TestedTable {
  const table = leftTable
    .groupBy(({ v }) => `g${v % 3}`)
    .topN(2, { by: ({ v }) => v >> 1, order: 'asc' })
  const results = (records: readonly JoinRecord[]): Map<string, unknown> =>
    new Map(
      [...groupsOf(leftRows(records).values(), ({ v }) => v)].map(([key, rows]) => {
        const inOrder = rows.toSorted(
          (a, b) =>
            (a.v >> 1) - (b.v >> 1) ||
            Buffer.compare(Buffer.from(a.k ?? ''), Buffer.from(b.k ?? '')),
        )
        return [key, { key, top: inOrder.slice(0, 2).map(shown) }] as const
      }),
    )
  const model = (): TableModel =>
    computed(
      { left: 'left-table', right: null },
      results,
      moves(leftRows, ({ v }) => v),
    )
  return { pipeline: sinks(table.changes(), [ignored]), model }
}

/** Each kind of table, and the steps that compare a key's records. */
export const testedTables: Readonly<Record<string, TestedTable>> = {
  'running aggregate': running(),
  'running aggregate with a ttl': {
    pipeline: sinks(
      left
        .aggregate({ n: count(), total: sum((r) => r.v) }, { ttl: '20ms' })
        .named('fold')
        .changes(),
      [ignored],
    ),
    model: () => fadingModel(20),
  },
  'map and filter': mapped(),
  'join, inner': joined('inner'),
  'join, left': joined('left'),
  'join, right': joined('right'),
  'join, full': joined('full'),
  'join on a foreign key, inner': foreignJoined('inner'),
  'join on a foreign key, left': foreignJoined('left'),
  'average over maxima': regroupedMaxima(),
  'aggregates of groups': regroupedTable(),
  'first of groups': regroupedTop(),
  'first of a stream': {
    pipeline: sinks(
      left
        .topN(3, { by: ({ v }) => v % 5 })
        .named('top')
        .changes(),
      [ignored],
    ),
    model: () => topModel(3),
  },
  dedupe: {
    pipeline: sinks(left.dedupe({ by: ({ v }) => v % 3, within: '9ms' }).named('dedupe'), [
      ignored,
    ]),
    model: () => dedupeModel(9),
  },
  changes: {
    pipeline: sinks(left.changes(({ v }) => [v % 3, { half: v >> 2 }]).named('changes'), [ignored]),
    model: () => differingModel(),
  },
}
