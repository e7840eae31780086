/** Rows as columns of a chart. */
import type { Row } from './rows.ts'

/** x in seconds, then one column for each name; null: there is none at that x. */
export interface Columns {
  readonly names: readonly string[]
  readonly columns: [number[], ...(number | null)[][]]
}

/** Lines at one time; the keys that came last. */
export const keysMax = 8

/** One column a key. */
export function byKey(rows: readonly Row[], field: string, keys: readonly string[]): Columns {
  const xs = [...new Set(rows.map(({ atMs }) => atMs))].sort((a, b) => a - b)
  const index = new Map(xs.map((x, i) => [x, i]))
  const columns = keys.map(() => xs.map((): number | null => null))
  for (const { key, atMs, figures } of rows) {
    const value = figures[field]
    const column = columns[keys.indexOf(key)]
    if (column !== undefined && value !== undefined) column[index.get(atMs) ?? 0] = value
  }
  return { names: keys, columns: [xs.map((x) => x / 1_000), ...columns] }
}

/** Keys, those with the latest rows first. */
export function latestKeys(rows: readonly Row[]): string[] {
  return [...new Set(rows.toReversed().map(({ key }) => key))]
}

const candlesMax = 80
const ohlc = ['open', 'high', 'low', 'close'] as const

/**
 * Open, high, low and close: the fields of that name where the value has them, else of the field's
 * values in equal parts of the time that is shown.
 */
export function candles(rows: readonly Row[], field: string): Columns {
  const own = rows.filter(({ figures }) => ohlc.every((name) => figures[name] !== undefined))
  const list =
    own.length > 0
      ? own.map(({ atMs, figures }) => ({
          at: atMs,
          values: ohlc.map((name) => figures[name] as number),
        }))
      : grouped(rows, field)
  return {
    names: ohlc,
    columns: [
      list.map(({ at }) => at / 1_000),
      ...ohlc.map((_, i) => list.map(({ values }) => values[i] ?? null)),
    ],
  }
}

function grouped(rows: readonly Row[], field: string): { at: number; values: number[] }[] {
  const points = rows.filter(({ figures }) => figures[field] !== undefined)
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return []
  const wide = niceMs((last.atMs - first.atMs) / candlesMax)
  const groups = new Map<number, number[]>()
  for (const { atMs, figures } of points) {
    const at = Math.floor(atMs / wide) * wide
    const list = groups.get(at) ?? []
    groups.set(at, list)
    list.push(figures[field] as number)
  }
  return [...groups].map(([at, values]) => ({
    at,
    values: [values[0] ?? 0, Math.max(...values), Math.min(...values), values.at(-1) ?? 0],
  }))
}

/** The next of 1 s, 5 s, 10 s, 30 s, 1 min, … */
function niceMs(ms: number): number {
  const seconds = [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 14_400, 86_400]
  return (seconds.find((one) => one * 1_000 >= ms) ?? Math.ceil(ms / 86_400_000) * 86_400) * 1_000
}
