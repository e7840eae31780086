import { aggregator } from '../../../src/index.ts'
import type { Bid } from '../events.ts'
import { bids, withoutType } from '../parts.ts'
import type { Query, Row } from '../query.ts'

interface Highest {
  readonly highest: readonly Bid[]
}

/** The ten highest bids on each auction, ranked; of equal prices the one that came first. */
export const q19: Query = {
  title: 'auction top 10',
  kind: 'update',
  build: (events) => bids(events).aggregate({ highest: highestBids(10) }),
  rows: ({ highest }: Highest): Row[] =>
    highest.map((bid, i) => ({ ...withoutType(bid), rank_number: i + 1 })),
}

function highestBids(n: number) {
  return aggregator({
    kind: 'highest-bids',
    init: (): readonly Bid[] => [],
    add: (highest, bid: Bid) => {
      const lowest = highest[n - 1]
      if (lowest !== undefined && bid.price <= lowest.price) return highest
      const after = highest.findIndex((other) => other.price < bid.price)
      const at = after < 0 ? highest.length : after
      return [...highest.slice(0, at), bid, ...highest.slice(at, n - 1)]
    },
  })
}
