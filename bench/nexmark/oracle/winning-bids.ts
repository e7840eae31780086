/** q4, q6 and q9: what an auction brings in. */
import type { Auction, Bid, NexmarkEvent } from '../events.ts'
import { auctionsOf, bidsOf, sumOf, truncatedAverage } from './rows.ts'
import type { Oracle } from './rows.ts'

interface Won {
  readonly auction: Auction
  readonly bid: Bid
}

/** Average over the final prices of each category's auctions that have one. */
export const q4: Oracle = (events) => {
  const byCategory = Map.groupBy(wonAuctions(events), ({ auction }) => auction.category)
  return [...byCategory].map(([category, won]) => {
    const sum = sumOf(won.map(({ bid }) => bid.price))
    const count = won.length
    return { category, sum, count, avg_trunc: truncatedAverage(sum, count) }
  })
}

/** With each auction the final prices of its seller's last ten, this one included, summed up. */
export const q6: Oracle = (events) => {
  const bySeller = Map.groupBy(wonAuctions(events), ({ auction }) => auction.seller)
  return [...bySeller].flatMap(([seller, won]) => {
    const inOrder = won.toSorted(
      (a, b) => a.auction.expires - b.auction.expires || a.auction.id - b.auction.id,
    )
    return inOrder.map(({ auction }, i) => {
      const last = inOrder.slice(Math.max(i - 9, 0), i + 1)
      const sum = sumOf(last.map(({ bid }) => bid.price))
      return { seller, auction: auction.id, n: last.length, sum }
    })
  })
}

/** Each auction with the bid that wins it. */
export const q9: Oracle = (events) =>
  wonAuctions(events).map(({ auction, bid }) => ({
    id: auction.id,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    dateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    extra: auction.extra,
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    bid_dateTime: bid.dateTime,
    bid_extra: bid.extra,
  }))

/**
 * The auctions that have a bid from their time to their expiry, both included, with the highest;
 * of equal prices the earliest, of equal times too the one that arrived first.
 */
function wonAuctions(events: readonly NexmarkEvent[]): Won[] {
  const bidsByAuction = Map.groupBy(bidsOf(events), ({ auction }) => auction)
  return auctionsOf(events).flatMap((auction) => {
    const [bid] = (bidsByAuction.get(auction.id) ?? [])
      .filter(({ dateTime }) => dateTime >= auction.dateTime && dateTime <= auction.expires)
      .toSorted((a, b) => b.price - a.price || a.dateTime - b.dateTime) // a stable sort
    return bid === undefined ? [] : [{ auction, bid }]
  })
}
