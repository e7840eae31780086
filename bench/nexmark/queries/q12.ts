import { count, tumbling } from '../../../src/index.ts'
import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids of each bidder in every 10 seconds of the wall clock. */
export const q12: Query = {
  title: 'processing-time windows',
  kind: 'append',
  build: (events) =>
    bids(events)
      .keyBy(({ bidder }) => bidder)
      .window(tumbling('10s', { time: 'processing' }))
      .aggregate({ bids: count() })
      .map(({ key, bids: bidCount, window }) => {
        const { start: starttime, end: endtime } = window
        return { bidder: key, bid_count: bidCount, starttime, endtime }
      }),
}
