import { count, session } from '../../../src/index.ts'
import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids of each bidder's sessions: what lies no more than 10 seconds apart. */
export const q11: Query = {
  title: 'user sessions',
  kind: 'append',
  build: (events) =>
    bids(events)
      .keyBy(({ bidder }) => bidder)
      .window(session('10s'))
      .aggregate({ bids: count() })
      .map(({ key, bids: bidCount, window }) => {
        const { start: starttime, end: endtime } = window
        return { bidder: key, bid_count: bidCount, starttime, endtime }
      }),
}
