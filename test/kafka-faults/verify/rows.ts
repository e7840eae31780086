/** Records of the topics as plain rows, with where they were found. */
import type { Dump, DumpedRecord } from './dump-file.ts'

export interface Row<V> {
  readonly value: V
  readonly record: DumpedRecord
}

export interface SaleRow {
  readonly id: number
  readonly shop: string
  readonly n: number
  readonly category: string
  readonly order: string
  readonly amount: number
  readonly at: number
}

export interface ShipmentRow {
  readonly id: number
  readonly truck: string
  readonly n: number
  readonly order: string
  readonly at: number
}

/** The topic's records, parsed, in order of partition, then offset. */
export function rowsOf<V>(dump: Dump, topic: string): Row<V>[] {
  return (dump.get(topic) ?? [])
    .map((record) => ({ value: JSON.parse(record.value ?? 'null') as V, record }))
    .toSorted(({ record: a }, { record: b }) => a.partition - b.partition || a.offset - b.offset)
}

/** Groups in order of first appearance; within a group the order stays. */
export function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return groups
}

/** JSON with the fields in order of name, so that equal values are equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries)
  })
}
