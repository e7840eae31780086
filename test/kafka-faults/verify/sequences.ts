/**
 * Compares what a key should have with what it has, in order: says whether a difference is a loss,
 * a double, a swap or another value, which is what whoever searches the cause needs to know.
 */
import type { Difference } from './difference.ts'
import { place } from './difference.ts'
import type { Row } from './rows.ts'
import { canonical } from './rows.ts'

export interface Sequences<V> {
  readonly topic: string
  readonly key: string
  readonly expected: readonly V[]
  readonly got: readonly Row<V>[]
  /** What makes a value that one: two with the same are the same record seen twice. */
  readonly idOf: (value: V) => string
}

/** The first difference; null where there is none. */
export function compareInOrder<V>(sequences: Sequences<V>): Difference | null {
  const { topic, key, expected, got } = sequences
  const length = Math.max(expected.length, got.length)
  for (let i = 0; i < length; i++) {
    const wanted = expected[i]
    const row = got[i]
    if (wanted !== undefined && row !== undefined) {
      if (canonical(wanted) === canonical(row.value)) continue
    }
    const fault = faultAt(sequences, i)
    const before = got[i - 1]?.record
    return {
      fault,
      topic,
      key,
      expected: wanted === undefined ? 'nothing more' : canonical(wanted),
      got: row === undefined ? 'nothing more' : canonical(row.value),
      at:
        `result ${i} of ${expected.length}, found ${got.length}, ` +
        `at ${row === undefined ? `the end, after ${place(before)}` : place(row.record)}`,
    }
  }
  return null
}

function faultAt<V>({ expected, got, idOf }: Sequences<V>, i: number): Difference['fault'] {
  const wanted = expected[i]
  const row = got[i]
  const isGot = (id: string, from: number, to?: number): boolean =>
    got.slice(from, to).some(({ value }) => idOf(value) === id)
  if (row === undefined) return 'lost'
  const id = idOf(row.value)
  if (isGot(id, 0, i)) return 'twice'
  if (wanted === undefined) return 'unexpected'
  if (idOf(wanted) === id) return 'altered'
  const isLater = expected.slice(i + 1).some((value) => idOf(value) === id)
  if (!isLater) return 'unexpected'
  return isGot(idOf(wanted), i + 1) ? 'order' : 'lost'
}

export interface Multisets<V> {
  readonly topic: string
  readonly expected: readonly V[]
  readonly got: readonly Row<V>[]
  readonly keyOf: (value: V) => string
  readonly idOf: (value: V) => string
}

/** Every difference, whatever the order; values with one id are compared in order of their text. */
export function compareAsMultisets<V>(sets: Multisets<V>): Difference[] {
  const { topic, expected, got, keyOf, idOf } = sets
  const found = new Map<string, Row<V>[]>()
  for (const row of got) {
    const id = idOf(row.value)
    const rows = found.get(id)
    if (rows === undefined) found.set(id, [row])
    else rows.push(row)
  }
  const differences: Difference[] = []
  for (const value of expected) {
    const rows = found.get(idOf(value)) ?? []
    const isSame = (row: Row<V>): boolean =>
      row.record.key === keyOf(value) && canonical(row.value) === canonical(value)
    const same = rows.findIndex(isSame)
    const [row] = rows.splice(Math.max(0, same), 1)
    if (same >= 0) continue
    differences.push({
      fault: row === undefined ? 'lost' : 'altered',
      topic,
      key: keyOf(value),
      expected: canonical(value),
      got: row === undefined ? 'nothing' : `${row.record.key} ${canonical(row.value)}`,
      at: place(row?.record),
    })
  }
  const known = new Set(expected.map(idOf))
  for (const row of [...found.values()].flat()) {
    const isKnown = known.has(idOf(row.value))
    differences.push({
      fault: isKnown ? 'twice' : 'unexpected',
      topic,
      key: keyOf(row.value),
      expected: isKnown ? 'it once' : 'nothing',
      got: canonical(row.value),
      at: place(row.record),
    })
  }
  return differences
}
