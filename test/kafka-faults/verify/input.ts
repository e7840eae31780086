/**
 * The input as it was read back is the truth; what the driver had acknowledged must be in it, each
 * record once, and each key's in the order in which they were sent.
 */
import type { Difference } from './difference.ts'
import { place } from './difference.ts'
import type { Acknowledged, Dump, DumpedRecord } from './dump-file.ts'
import { rowsOf } from './rows.ts'
import type { Row } from './rows.ts'

interface Numbered {
  readonly id: number
  readonly n: number
}

export function checkInput(
  dump: Dump,
  topics: readonly string[],
  acknowledged: readonly Acknowledged[],
): Difference[] {
  const differences: Difference[] = []
  const found = new Map<string, DumpedRecord>()
  for (const topic of topics) {
    const rows = rowsOf<Numbered>(dump, topic)
    for (const { record } of rows) {
      const text = `${topic}\t${record.key}\t${record.value}`
      const first = found.get(text)
      if (first === undefined) found.set(text, record)
      else {
        differences.push({
          fault: 'twice',
          topic,
          key: record.key ?? '',
          expected: `${record.value} once in the input`,
          got: 'it again',
          at: `${place(first)} and ${place(record)}`,
        })
      }
    }
    differences.push(...checkOrder(topic, rows))
  }
  for (const { topic, key, value } of acknowledged) {
    if (found.has(`${topic}\t${key}\t${value}`)) continue
    const got = 'nothing in the input'
    differences.push({ fault: 'lost', topic, key, expected: value, got, at: 'acknowledged' })
  }
  return differences
}

/** Numbers of a key rise, and it stays in one partition. */
function checkOrder(topic: string, rows: readonly Row<Numbered>[]): Difference[] {
  const newest = new Map<string, Row<Numbered>>()
  const differences: Difference[] = []
  for (const row of rows) {
    const key = row.record.key ?? ''
    const before = newest.get(key)
    newest.set(key, row)
    if (before === undefined) continue
    const at = `${place(before.record)} and ${place(row.record)}`
    if (before.record.partition !== row.record.partition) {
      const expected = `partition ${before.record.partition}`
      const got = `partition ${row.record.partition}`
      differences.push({ fault: 'order', topic, key, expected, got, at })
    } else if (row.value.n < before.value.n) {
      const expected = `a number above ${before.value.n}`
      differences.push({ fault: 'order', topic, key, expected, got: String(row.value.n), at })
    }
  }
  return differences
}
