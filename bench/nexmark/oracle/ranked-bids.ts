/** q18 and q19: chosen bids of a group. The order of arrival, as given, settles ties. */
import type { Bid } from '../events.ts'
import { bidsOf } from './rows.ts'
import type { Oracle, OracleRow } from './rows.ts'

/** The last bid of each bidder on each auction by its time; of equal times the later arrival. */
export const q18: Oracle = (events) => {
  const groups = Map.groupBy(bidsOf(events), ({ bidder, auction }) => `${bidder} ${auction}`)
  return [...groups.values()]
    .map((bids) => bids.reduce((last, bid) => (bid.dateTime >= last.dateTime ? bid : last)))
    .map(whole)
}

/** The ten highest bids of each auction, ranked from 1; of equal prices the earlier arrival. */
export const q19: Oracle = (events) => {
  const byAuction = Map.groupBy(bidsOf(events), ({ auction }) => auction)
  return [...byAuction.values()].flatMap((bids) =>
    bids
      .toSorted((a, b) => b.price - a.price) // a stable sort
      .slice(0, 10)
      .map((bid, i) => ({ ...whole(bid), rank_number: i + 1 })),
  )
}

function whole({ auction, bidder, price, channel, url, dateTime, extra }: Bid): OracleRow {
  return { auction, bidder, price, channel, url, dateTime, extra }
}
