import { withoutType } from '../parts.ts'
import type { Query } from '../query.ts'
import { winningBids } from '../winning-bids.ts'

/** Each auction with the bid that won it, when it closes. */
export const q9: Query = {
  title: 'winning bids',
  kind: 'append',
  build: (events) =>
    winningBids(events).map(({ auction, bid }) => ({
      ...withoutType(auction),
      auction: bid.auction,
      bidder: bid.bidder,
      price: bid.price,
      bid_dateTime: bid.dateTime,
      bid_extra: bid.extra,
    })),
}
