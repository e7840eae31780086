import { bids, dayOf, minuteOf } from '../parts.ts'
import type { Query } from '../query.ts'

/** Every bid with the day and minute by which files would be cut. */
export const q10: Query = {
  title: 'log to files',
  kind: 'append',
  build: (events) =>
    bids(events).map(({ auction, bidder, price, dateTime, extra }) => {
      const dt = dayOf(dateTime)
      return { auction, bidder, price, dateTime, extra, dt, hm: minuteOf(dateTime) }
    }),
}
