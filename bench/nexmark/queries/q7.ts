import { aggregator, tumbling } from '../../../src/index.ts'
import type { Bid } from '../events.ts'
import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** The highest bids of every 10 seconds; all of equal price. */
export const q7: Query = {
  title: 'highest bid',
  kind: 'append',
  build: (events) =>
    bids(events)
      .keyBy(() => 'all')
      .window(tumbling('10s'))
      .aggregate({ highest: highestBids() })
      .flatMap(({ window, highest }) =>
        highest.map(({ auction, price, bidder, dateTime, extra }) => {
          return { window_start: window.start, auction, price, bidder, dateTime, extra }
        }),
      ),
}

function highestBids() {
  return aggregator({
    kind: 'highest-bids',
    init: (): readonly Bid[] => [],
    add: (best, bid: Bid) => {
      const price = best[0]?.price ?? -1
      if (bid.price > price) return [bid]
      return bid.price === price ? [...best, bid] : best
    },
  })
}
