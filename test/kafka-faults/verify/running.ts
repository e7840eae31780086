/** Running results: for each sale of a shop, in order, the results over all of its sales so far. */
import type { Difference } from './difference.ts'
import type { Dump } from './dump-file.ts'
import type { Row, SaleRow } from './rows.ts'
import { grouped, rowsOf } from './rows.ts'
import { compareInOrder } from './sequences.ts'

interface RunningRow {
  readonly key: string
  readonly sales: number
  readonly smallest: number
  readonly largest: number
  readonly total: number
  readonly id: number
}

export function checkRunning(
  dump: Dump,
  topic: string,
  sales: readonly Row<SaleRow>[],
): Difference[] {
  const wanted = grouped(sales, ({ value }) => value.shop)
  const found = grouped(rowsOf<RunningRow>(dump, topic), ({ record }) => record.key ?? '')
  const differences: Difference[] = []
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    const difference = compareInOrder({
      topic,
      key,
      expected: runningOf(key, wanted.get(key) ?? []),
      got: found.get(key) ?? [],
      idOf: ({ id }) => String(id),
    })
    if (difference !== null) differences.push(difference)
  }
  return differences
}

function runningOf(key: string, sales: readonly Row<SaleRow>[]): RunningRow[] {
  let total = 0
  let smallest = Infinity
  let largest = -Infinity
  return sales.map(({ value: { id, amount } }, i) => {
    total += amount
    smallest = Math.min(smallest, amount)
    largest = Math.max(largest, amount)
    return { key, sales: i + 1, smallest, largest, total, id }
  })
}
