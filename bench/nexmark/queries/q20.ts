import { within } from '../../../src/index.ts'
import { auctions, bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids on one category, each with its auction, whichever of the two comes first. */
export const q20: Query = {
  title: 'expand bid',
  kind: 'append',
  build: (events) =>
    bids(events)
      .join(
        auctions(events).filter(({ category }) => category === 10),
        within('forever'),
      )
      .map(({ left: bid, right: auction }) => ({
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        channel: bid.channel,
        url: bid.url,
        bid_dateTime: bid.dateTime,
        bid_extra: bid.extra,
        itemName: auction.itemName,
        description: auction.description,
        initialBid: auction.initialBid,
        reserve: auction.reserve,
        auction_dateTime: auction.dateTime,
        expires: auction.expires,
        seller: auction.seller,
        category: auction.category,
        auction_extra: auction.extra,
      })),
}
