/** Plain loops for the steps that compare a key's records. */
import type { JoinRecord } from './join-case.ts'
import { computed } from './table-model.ts'
import type { Given, TableModel, Taken } from './table-model.ts'

function shown({ k, v, t }: JoinRecord): unknown {
  return { k, v, t }
}

/** The first n by v % 5, of equal ones the one that came first. */
export function topModel(n: number): TableModel {
  return computed({ left: 'top', right: null }, (records) => {
    const groups = Map.groupBy(records, ({ k }) => k ?? '')
    const rows = [...groups].map(([key, group]) => {
      const inOrder = group.toSorted((a, b) => (b.v % 5) - (a.v % 5)) // a stable sort
      return [key, { key, top: inOrder.slice(0, n).map(shown) }] as const
    })
    return new Map(rows)
  })
}

/** By v % 3: every record given on is kept for good. */
export function dedupeModel(withinMs: number): TableModel {
  const kept: JoinRecord[] = []
  return {
    steps: { left: 'dedupe', right: null },
    take: (record, watermarkMs): Taken => {
      const { k, v, t } = record
      if (t + withinMs < watermarkMs) return { lateAtMs: t + withinMs + 1 }
      const isDouble = kept.some((other) => {
        return other.k === k && other.v % 3 === v % 3 && Math.abs(other.t - t) <= withinMs
      })
      if (isDouble) return nothing
      const given = [{ k: k ?? '', value: shown(record), t }]
      return { given, stands: () => kept.push(record) }
    },
    advance: () => [],
  }
}

const nothing: Taken = { given: [], stands: () => {} }

/** By v % 3 and v >> 2. */
export function differingModel(): TableModel {
  const kept = new Map<string, JoinRecord>()
  const looks = ({ v }: JoinRecord): string => `${v % 3} ${v >> 2}`
  return {
    steps: { left: 'changes', right: null },
    take: (record): Taken => {
      const k = record.k ?? ''
      const last = kept.get(k)
      if (last !== undefined && looks(last) === looks(record)) return nothing
      const before = last === undefined ? null : shown(last)
      const given = [{ k, value: { before, after: shown(record) }, t: record.t }]
      return { given, stands: () => kept.set(k, record) }
    },
    advance: () => [],
  }
}

/** Count and total of each key, until `ttlMs` after its last record. */
export function fadingModel(ttlMs: number): TableModel {
  const rows = new Map<string, readonly JoinRecord[]>()
  const lastOf = (records: readonly JoinRecord[]): number => Math.max(...records.map(({ t }) => t))
  const rowOf = (key: string): unknown => {
    const records = rows.get(key)
    if (records === undefined) return null
    return { key, n: records.length, total: records.reduce((sum, { v }) => sum + v, 0) }
  }
  return {
    steps: { left: 'fold', right: null },
    take: (record, watermarkMs): Taken => {
      const k = record.k ?? ''
      const known = rows.get(k)
      if (known === undefined && record.t + ttlMs <= watermarkMs) {
        return { lateAtMs: record.t + ttlMs }
      }
      const isAnew = known === undefined || record.t >= lastOf(known) + ttlMs
      const now = isAnew ? [record] : [...known, record]
      const before = rowOf(k)
      rows.set(k, now)
      const given = [{ k, value: { before, after: rowOf(k) }, t: record.t }]
      if (known === undefined) rows.delete(k)
      else rows.set(k, known)
      return { given, stands: () => rows.set(k, now) }
    },
    advance: (toMs): Given[] => {
      const due = [...rows]
        .map(([k, records]) => ({ k, t: lastOf(records) + ttlMs }))
        .filter(({ t }) => t <= toMs)
        .toSorted((a, b) => a.t - b.t || Buffer.compare(Buffer.from(a.k), Buffer.from(b.k)))
      return due.map(({ k, t }) => {
        const value = { before: rowOf(k), after: null }
        rows.delete(k)
        return { k, value, t }
      })
    },
  }
}
