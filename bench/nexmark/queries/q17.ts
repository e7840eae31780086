import { aggregator } from '../../../src/index.ts'
import type { Bid } from '../events.ts'
import { bids, dayOf } from '../parts.ts'
import type { Query } from '../query.ts'

/** Counts and prices of each auction's bids of a day. */
export const q17: Query = {
  title: 'auction statistics',
  kind: 'update',
  build: (events) =>
    bids(events)
      .keyBy(({ auction, dateTime }) => `${dayOf(dateTime)} ${auction}`)
      .aggregate({ prices: priceStatistics() })
      .map(({ key, prices }) => {
        return { auction: Number(key.slice(11)), day: key.slice(0, 10), ...prices }
      }),
}

interface Prices {
  readonly total: number
  readonly rank1: number
  readonly rank2: number
  readonly least: number
  readonly greatest: number
  readonly sum: number
}

function priceStatistics() {
  return aggregator({
    kind: 'price-statistics',
    init: (): Prices => {
      const least = Number.POSITIVE_INFINITY
      return { total: 0, rank1: 0, rank2: 0, least, greatest: Number.NEGATIVE_INFINITY, sum: 0 }
    },
    add: ({ total, rank1, rank2, least, greatest, sum }, { price }: Bid) => ({
      total: total + 1,
      rank1: rank1 + Number(price < 10_000),
      rank2: rank2 + Number(price >= 10_000 && price < 1_000_000),
      least: price < least ? price : least,
      greatest: price > greatest ? price : greatest,
      sum: sum + price,
    }),
    result: ({ total, rank1, rank2, least, greatest, sum }) => ({
      total_bids: total,
      rank1_bids: rank1,
      rank2_bids: rank2,
      rank3_bids: total - rank1 - rank2,
      min_price: least,
      max_price: greatest,
      avg_price: Math.trunc(sum / total),
      sum_price: sum,
    }),
  })
}
