/** What q15 and q16 count, by ranks of the price: below 10,000, below 1,000,000, and above. */
import { count, distinct, sum } from '../../src/index.ts'
import type { AggregatorOf } from '../../src/index.ts'
import type { Bid } from './events.ts'

type Rank = 1 | 2 | 3

/** The twelve columns, in their order. */
export function bidStatistics() {
  return {
    total_bids: count(),
    rank1_bids: bidsOf(1),
    rank2_bids: bidsOf(2),
    rank3_bids: bidsOf(3),
    total_bidders: distinct((bid: Bid) => bid.bidder),
    rank1_bidders: biddersOf(1),
    rank2_bidders: biddersOf(2),
    rank3_bidders: biddersOf(3),
    total_auctions: distinct((bid: Bid) => bid.auction),
    rank1_auctions: auctionsOf(1),
    rank2_auctions: auctionsOf(2),
    rank3_auctions: auctionsOf(3),
  }
}

function rankOf(price: number): Rank {
  return price < 10_000 ? 1 : price < 1_000_000 ? 2 : 3
}

function bidsOf(rank: Rank): AggregatorOf<Bid, number> {
  return sum(({ price }: Bid) => Number(rankOf(price) === rank))
}

function biddersOf(rank: Rank): AggregatorOf<Bid, number> {
  return distinct(({ price, bidder }: Bid) => (rankOf(price) === rank ? bidder : null))
}

function auctionsOf(rank: Rank): AggregatorOf<Bid, number> {
  return distinct(({ price, auction }: Bid) => (rankOf(price) === rank ? auction : null))
}
