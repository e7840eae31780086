import { bids, inEuro } from '../parts.ts'
import type { Query } from '../query.ts'

/** The price of every bid in another currency, as an exact decimal. */
export const q1: Query = {
  title: 'currency',
  kind: 'append',
  build: (events) =>
    bids(events).map(({ auction, bidder, price, dateTime, extra }) => {
      return { auction, bidder, price: inEuro(price), dateTime, extra }
    }),
}
