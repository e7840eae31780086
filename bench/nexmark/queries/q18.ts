import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** The last bid of each bidder on each auction; of equal times the one that came later. */
export const q18: Query = {
  title: 'last bid',
  kind: 'update',
  build: (events) =>
    bids(events)
      .keyBy(({ bidder, auction }) => `${bidder} ${auction}`)
      .reduce((last, bid) => (bid.dateTime >= last.dateTime ? bid : last))
      .map(({ value: { auction, bidder, price, channel, url, dateTime, extra } }) => {
        return { auction, bidder, price, channel, url, dateTime, extra }
      }),
}
