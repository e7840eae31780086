import type { Top } from '../../../src/index.ts'
import type { Bid } from '../events.ts'
import { bids, withoutType } from '../parts.ts'
import type { Query, Row } from '../query.ts'

/** The ten highest bids on each auction, ranked; of equal prices the one that came first. */
export const q19: Query = {
  title: 'auction top 10',
  kind: 'update',
  build: (events) => bids(events).topN(10, { by: ({ price }) => price }),
  rows: ({ top }: Top<number, Bid>): Row[] =>
    top.map((bid, i) => ({ ...withoutType(bid), rank_number: i + 1 })),
}
