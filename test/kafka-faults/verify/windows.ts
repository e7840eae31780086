/** Windows of a second: each one that event time has passed, once, in order, with its sums. */
import type { Difference } from './difference.ts'
import { place } from './difference.ts'
import type { Dump } from './dump-file.ts'
import type { Row, SaleRow } from './rows.ts'
import { grouped, rowsOf } from './rows.ts'
import { compareAsMultisets } from './sequences.ts'

interface WindowRow {
  readonly key: string
  readonly window: { readonly start: number; readonly end: number }
  readonly sales: number
  readonly total: number
}

const windowMs = 1000
/** How far the input is out of order, as its topic says. */
const disorderMs = 400

export function checkWindows(
  dump: Dump,
  topic: string,
  sales: readonly Row<SaleRow>[],
  isRefused: (row: Row<SaleRow>) => boolean,
): Difference[] {
  const got = rowsOf<WindowRow>(dump, topic)
  const differences = compareAsMultisets({
    topic,
    expected: windowsOf(
      sales.filter((row) => !isRefused(row)),
      reachedBy(sales),
    ),
    got,
    keyOf: ({ key }) => key,
    idOf: ({ key, window }) => `${key} ${window.start}`,
  })
  for (const [key, rows] of grouped(got, ({ record }) => record.key ?? '')) {
    for (const [i, { value, record }] of rows.entries()) {
      const before = rows[i - 1]
      if (before === undefined || before.value.window.start <= value.window.start) continue
      const expected = `a window behind ${before.value.window.start}`
      const found = String(value.window.start)
      differences.push({ fault: 'order', topic, key, expected, got: found, at: place(record) })
    }
  }
  return differences
}

/** Event time that each partition has come to. A record that a step refuses moves it on as well. */
function reachedBy(sales: readonly Row<SaleRow>[]): ReadonlyMap<number, number> {
  const reached = new Map<number, number>()
  for (const { value, record } of sales) {
    const { partition } = record
    reached.set(partition, Math.max(reached.get(partition) ?? -Infinity, value.at - disorderMs))
  }
  return reached
}

function windowsOf(
  sales: readonly Row<SaleRow>[],
  reached: ReadonlyMap<number, number>,
): WindowRow[] {
  const rows: WindowRow[] = []
  for (const [key, ofShop] of grouped(sales, ({ value }) => value.shop)) {
    const timeOf = ({ value }: Row<SaleRow>): string => String(Math.floor(value.at / windowMs))
    for (const [number, inWindow] of grouped(ofShop, timeOf)) {
      const start = Number(number) * windowMs
      const end = start + windowMs
      if (end > (reached.get(inWindow[0]?.record.partition ?? -1) ?? -Infinity)) continue
      const total = inWindow.reduce((all, { value }) => all + value.amount, 0)
      rows.push({ key, window: { start, end }, sales: inWindow.length, total })
    }
  }
  return rows
}
