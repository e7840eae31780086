import { count, sum } from '../../../src/index.ts'
import type { Query } from '../query.ts'
import { winningBids } from '../winning-bids.ts'

/** The average of the prices for which the auctions of each category were sold. */
export const q4: Query = {
  title: 'average price per category',
  kind: 'update',
  build: (events) =>
    winningBids(events)
      .keyBy(({ auction }) => auction.category)
      .aggregate({ sum: sum(({ bid }) => bid.price), count: count() })
      .map(({ key, sum: total, count: n }) => {
        return { category: key, sum: total, count: n, avg_trunc: Math.trunc(total / n) }
      }),
}
