import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** Every bid as it is: what the way through costs. */
export const q0: Query = {
  title: 'pass-through',
  kind: 'append',
  build: (events) =>
    bids(events).map(({ auction, bidder, price, dateTime, extra }) => {
      return { auction, bidder, price, dateTime, extra }
    }),
}
