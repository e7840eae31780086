import { within } from '../../../src/index.ts'
import { auctions, bids, persons } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids with the person who bids, and each auction that this person has put up. */
export const q23: Query = {
  title: 'three-way join',
  kind: 'append',
  build: (events) =>
    bids(events)
      .keyBy(({ bidder }) => bidder)
      .join(persons(events), within('forever'))
      .join(
        auctions(events).keyBy(({ seller }) => seller),
        within('forever'),
      )
      .map(({ left: { left: bid, right: person }, right: auction }) => ({
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        channel: bid.channel,
        url: bid.url,
        dateTime: bid.dateTime,
        extra: bid.extra,
        person_id: person.id,
        person_name: person.name,
        auction_id: auction.id,
      })),
}
