/** q3, q20 and q23: joins without bounds, in which the order of arrival does not matter. */
import { auctionsOf, bidsOf, personsOf } from './rows.ts'
import type { Oracle } from './rows.ts'

/** Sellers of three states with their auctions of category 10. */
export const q3: Oracle = (events) => {
  const chosen = auctionsOf(events).filter(({ category }) => category === 10)
  const auctionsBySeller = Map.groupBy(chosen, ({ seller }) => seller)
  return personsOf(events)
    .filter(({ state }) => state === 'OR' || state === 'ID' || state === 'CA')
    .flatMap(({ id: person, name, city, state }) =>
      (auctionsBySeller.get(person) ?? []).map(({ id }) => ({ name, city, state, id })),
    )
}

/** Bids on auctions of category 10, with these. */
export const q20: Oracle = (events) => {
  const chosen = auctionsOf(events).filter(({ category }) => category === 10)
  const auctionsById = Map.groupBy(chosen, ({ id }) => id)
  return bidsOf(events).flatMap((bid) =>
    (auctionsById.get(bid.auction) ?? []).map((auction) => ({
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
  )
}

/**
 * Bids with their bidder and each auction that the bidder sells. Row: the seven columns of the bid,
 * `person_id` and `person_name` of the bidder, `auction_id` of the auction that this person sells
 * (`auction` is the one that the bid is for). A bidder of many bids who sells much makes their
 * product: the result grows faster than the input.
 */
export const q23: Oracle = (events) => {
  const personsById = Map.groupBy(personsOf(events), ({ id }) => id)
  const auctionsBySeller = Map.groupBy(auctionsOf(events), ({ seller }) => seller)
  return bidsOf(events).flatMap(({ auction, bidder, price, channel, url, dateTime, extra }) => {
    const bid = { auction, bidder, price, channel, url, dateTime, extra }
    const persons = personsById.get(bidder) ?? []
    const sold = auctionsBySeller.get(bidder) ?? []
    return persons.flatMap((person) =>
      sold.map(({ id }) => {
        return { ...bid, person_id: person.id, person_name: person.name, auction_id: id }
      }),
    )
  })
}
