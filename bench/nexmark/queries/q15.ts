import { bids, dayOf } from '../parts.ts'
import type { Query } from '../query.ts'
import { bidStatistics } from '../statistics.ts'

/** Bids, bidders and auctions of each day, by rank of the price. */
export const q15: Query = {
  title: 'bidding statistics',
  kind: 'update',
  build: (events) =>
    bids(events)
      .keyBy(({ dateTime }) => dayOf(dateTime))
      .aggregate(bidStatistics())
      .map(({ key, ...statistics }) => ({ day: key, ...statistics })),
}
