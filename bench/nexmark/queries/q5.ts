import { aggregator, count, sliding, tumbling } from '../../../src/index.ts'
import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

interface Counted {
  readonly key: number
  readonly num: number
  readonly window: { readonly start: number; readonly end: number }
}

/** The auctions with the most bids of the last 10 seconds, every 2 seconds; all of equal rank. */
export const q5: Query = {
  title: 'hot items',
  kind: 'append',
  build: (events) =>
    bids(events)
      .window(sliding('10s', { every: '2s' }))
      .aggregate({ num: count() })
      // The counts of one window have one event time: its last ms. So they meet again in the 2 s
      // that end with it.
      .keyBy(() => 'all')
      .window(tumbling('2s'))
      .aggregate({ hottest: mostBids() })
      .flatMap(({ hottest }) =>
        hottest.map(({ key, num, window }) => {
          return { window_start: window.start, auction: key, num }
        }),
      ),
}

function mostBids() {
  return aggregator({
    kind: 'most-bids',
    init: (): readonly Counted[] => [],
    add: (best, counted: Counted) => {
      const num = best[0]?.num ?? 0
      if (counted.num > num) return [counted]
      return counted.num === num ? [...best, counted] : best
    },
  })
}
