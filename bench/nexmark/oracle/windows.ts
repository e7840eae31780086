/** q5, q7, q8 and q11: windows of event time, aligned to 1970. */
import type { Bid } from '../events.ts'
import { auctionsOf, bidsOf, greatestOf, personsOf, windowStart } from './rows.ts'
import type { Oracle } from './rows.ts'

const sizeMs = 10_000
const slideMs = 2000
const gapMs = 10_000

/** The auctions with the most bids in each 10 s, every 2 s; all of equal count. */
export const q5: Oracle = (events) => {
  const inWindows = bidsOf(events).flatMap(({ auction, dateTime }) => {
    const starts: number[] = []
    const last = windowStart(dateTime, slideMs)
    for (let start = last; start > dateTime - sizeMs; start -= slideMs) starts.push(start)
    return starts.map((start) => ({ start, auction }))
  })
  return [...Map.groupBy(inWindows, ({ start }) => start)].flatMap(([start, bids]) => {
    const byAuction = [...Map.groupBy(bids, ({ auction }) => auction)]
    const counts = byAuction.map(([auction, { length }]) => ({ auction, num: length }))
    const most = greatestOf(counts.map(({ num }) => num))
    return counts
      .filter(({ num }) => num === most)
      .map(({ auction, num }) => ({ window_start: start, auction, num }))
  })
}

/** The highest bids of each 10 s; all of equal price. */
export const q7: Oracle = (events) => {
  const byWindow = Map.groupBy(bidsOf(events), ({ dateTime }) => windowStart(dateTime, sizeMs))
  return [...byWindow].flatMap(([start, bids]) => {
    const highest = greatestOf(bids.map(({ price }) => price))
    return bids
      .filter(({ price }) => price === highest)
      .map(({ auction, price, bidder, dateTime, extra }) => {
        return { window_start: start, auction, price, bidder, dateTime, extra }
      })
  })
}

/** Persons who came within the same 10 s in which they put up an auction; once a window. */
export const q8: Oracle = (events) => {
  const key = (id: number, timeMs: number): string => `${id} ${windowStart(timeMs, sizeMs)}`
  const sellers = new Set(auctionsOf(events).map(({ seller, dateTime }) => key(seller, dateTime)))
  const byWindow = Map.groupBy(personsOf(events), ({ id, dateTime }) => key(id, dateTime))
  return [...byWindow]
    .filter(([idAndWindow]) => sellers.has(idAndWindow))
    .flatMap(([, persons]) => persons.slice(0, 1))
    .map(({ id, name, dateTime }) => ({ id, name, starttime: windowStart(dateTime, sizeMs) }))
}

/** Sessions of each bidder: bids at most 10 s apart, 10 s included; over 10 s after the last. */
export const q11: Oracle = (events) => {
  const byBidder = Map.groupBy(bidsOf(events), ({ bidder }) => bidder)
  return [...byBidder].flatMap(([bidder, bids]) =>
    sessions(bids).map((times) => {
      const endtime = (times.at(-1) as number) + gapMs
      return { bidder, bid_count: times.length, starttime: times[0], endtime }
    }),
  )
}

/** Times in order, cut where a gap is too long. */
function sessions(bids: readonly Bid[]): number[][] {
  const cut: number[][] = []
  for (const timeMs of bids.map(({ dateTime }) => dateTime).toSorted((a, b) => a - b)) {
    const last = cut.at(-1)
    const lastMs = last?.at(-1)
    if (last !== undefined && lastMs !== undefined && timeMs - lastMs <= gapMs) last.push(timeMs)
    else cut.push([timeMs])
  }
  return cut
}
