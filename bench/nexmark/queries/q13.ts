import { globalTable, json, topic } from '../../../src/index.ts'
import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** A small table of 10,000 rows, whole in every task. */
const sideTable = topic('side-table', {
  codec: json<{ key: number; value: string }>(),
  key: ({ key }) => key,
  compact: true,
  partitions: 1,
})

/** Every bid with a value from a small table. */
export const q13: Query = {
  title: 'bounded side input',
  kind: 'append',
  tables: [{ topic: 'side-table', rows: sideRows }],
  build: (events) =>
    bids(events)
      .join(globalTable(sideTable), { by: ({ auction }) => auction % 10_000 })
      .map(({ left: { auction, bidder, price, dateTime }, right: { value } }) => {
        return { auction, bidder, price, dateTime, value }
      }),
}

/** The table's rows, with their keys. */
function* sideRows(): Iterable<readonly [string, { key: number; value: string }]> {
  for (let key = 0; key < 10_000; key++) yield [String(key), { key, value: String(key) }]
}
