/** q12's sums, q15, q16 and q17: bids counted in groups. */
import type { Bid } from '../events.ts'
import { bidsOf, dayOf, greatestOf, leastOf, minuteOf, sumOf, truncatedAverage } from './rows.ts'
import type { Oracle, OracleRow } from './rows.ts'

/** Bids of each bidder: q12 cuts them by the clock, so only the sums of its rows are certain. */
export const q12sum: Oracle = (events) => {
  const byBidder = Map.groupBy(bidsOf(events), ({ bidder }) => bidder)
  return [...byBidder].map(([bidder, { length }]) => ({ bidder, bid_count: length }))
}

/** Bids, bidders and auctions of each day, by rank of the price. */
export const q15: Oracle = (events) => {
  const byDay = Map.groupBy(bidsOf(events), ({ dateTime }) => dayOf(dateTime))
  return [...byDay].map(([day, bids]) => ({ day, ...counted(bids) }))
}

/** The same of each channel and day, with the last minute that has a bid. */
export const q16: Oracle = (events) => {
  const byDay = Map.groupBy(bidsOf(events), ({ dateTime }) => dayOf(dateTime))
  return [...byDay].flatMap(([day, ofDay]) =>
    [...Map.groupBy(ofDay, ({ channel }) => channel)].map(([channel, bids]) => {
      const minute = minuteOf(greatestOf(bids.map(({ dateTime }) => dateTime)))
      return { channel, day, minute, ...counted(bids) }
    }),
  )
}

/** Counts and prices of each auction and day. */
export const q17: Oracle = (events) => {
  const byDay = Map.groupBy(bidsOf(events), ({ dateTime }) => dayOf(dateTime))
  return [...byDay].flatMap(([day, ofDay]) =>
    [...Map.groupBy(ofDay, ({ auction }) => auction)].map(([auction, bids]) => {
      const prices = bids.map(({ price }) => price)
      const sum = sumOf(prices)
      return {
        auction,
        day,
        total_bids: bids.length,
        rank1_bids: ofRank(bids, 1).length,
        rank2_bids: ofRank(bids, 2).length,
        rank3_bids: ofRank(bids, 3).length,
        min_price: leastOf(prices),
        max_price: greatestOf(prices),
        avg_price: truncatedAverage(sum, bids.length),
        sum_price: sum,
      }
    }),
  )
}

function counted(bids: readonly Bid[]): OracleRow {
  const [rank1, rank2, rank3] = [ofRank(bids, 1), ofRank(bids, 2), ofRank(bids, 3)]
  return {
    total_bids: bids.length,
    rank1_bids: rank1.length,
    rank2_bids: rank2.length,
    rank3_bids: rank3.length,
    total_bidders: bidders(bids),
    rank1_bidders: bidders(rank1),
    rank2_bidders: bidders(rank2),
    rank3_bidders: bidders(rank3),
    total_auctions: auctions(bids),
    rank1_auctions: auctions(rank1),
    rank2_auctions: auctions(rank2),
    rank3_auctions: auctions(rank3),
  }
}

/** 1 below 10,000; 2 from there to below 1,000,000; 3 from there. */
function ofRank(bids: readonly Bid[], rank: 1 | 2 | 3): Bid[] {
  return bids.filter(({ price }) => (price < 10_000 ? 1 : price < 1_000_000 ? 2 : 3) === rank)
}

function bidders(bids: readonly Bid[]): number {
  return new Set(bids.map(({ bidder }) => bidder)).size
}

function auctions(bids: readonly Bid[]): number {
  return new Set(bids.map(({ auction }) => auction)).size
}
