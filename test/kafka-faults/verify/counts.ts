/**
 * Counts under another key: sales of a category come from all partitions, in any order among these.
 * So the counts must be 1, 2, 3 … with each sale once, and the sales of one input partition in its
 * order.
 */
import type { Difference, Fault } from './difference.ts'
import { place } from './difference.ts'
import type { Dump, DumpedRecord } from './dump-file.ts'
import type { Row, SaleRow } from './rows.ts'
import { canonical, grouped, rowsOf } from './rows.ts'

interface CountRow {
  readonly key: string
  readonly sales: number
  readonly id: number
  readonly shop: string
  readonly n: number
}

export function checkCounts(
  dump: Dump,
  topic: string,
  sales: readonly Row<SaleRow>[],
): Difference[] {
  const wanted = grouped(sales, ({ value }) => value.category)
  const found = grouped(rowsOf<CountRow>(dump, topic), ({ record }) => record.key ?? '')
  const differences: Difference[] = []
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    const difference = checkKey(topic, key, wanted.get(key) ?? [], found.get(key) ?? [])
    if (difference !== null) differences.push(difference)
  }
  return differences
}

/** The first difference of a category. */
function checkKey(
  topic: string,
  key: string,
  sales: readonly Row<SaleRow>[],
  rows: readonly Row<CountRow>[],
): Difference | null {
  const byId = new Map(sales.map((sale) => [sale.value.id, sale]))
  const seen = new Map<number, DumpedRecord>()
  /** Of each input partition: the sale that came last. */
  const last = new Map<number, Row<SaleRow>>()
  for (const [i, { value, record }] of rows.entries()) {
    const differs = (fault: Fault, expected: string, more = ''): Difference => {
      return { fault, topic, key, expected, got: canonical(value), at: place(record) + more }
    }
    const sale = byId.get(value.id)
    if (sale === undefined) return differs('unexpected', 'a sale of this category')
    const first = seen.get(value.id)
    if (first !== undefined) return differs('twice', 'it once', ` and ${place(first)}`)
    const { shop, n } = sale.value
    const expected = { key, sales: i + 1, id: value.id, shop, n }
    if (canonical(expected) !== canonical(value)) {
      const isThere = rows.some((row) => row.value.sales === i + 1)
      const isWhole = canonical({ ...expected, sales: value.sales }) === canonical(value)
      const fault = isThere ? 'order' : value.sales === i + 2 ? 'lost' : 'altered'
      return differs(isWhole ? fault : 'altered', canonical(expected))
    }
    seen.set(value.id, record)
    const { partition, offset } = sale.record
    const before = last.get(partition)
    last.set(partition, sale)
    if (before !== undefined && before.record.offset > offset) {
      return differs('order', `it before the count of sale ${before.value.id}`)
    }
  }
  const lost = sales.find(({ value }) => !seen.has(value.id))
  if (lost === undefined) return null
  const expected = `sale ${lost.value.id} counted`
  const got = `${rows.length} of ${sales.length} counts`
  return { fault: 'lost', topic, key, expected, got, at: place(lost.record) }
}
