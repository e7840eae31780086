import { mapState, output, valueState } from '../../../src/index.ts'
import type { Query } from '../query.ts'
import { winningBids } from '../winning-bids.ts'

interface Average {
  readonly seller: number
  readonly auction: number
  readonly n: number
  readonly sum: number
}

const lastAuctions = 10

/**
 * Number and sum of the prices of a seller's last ten auctions, with each that closes, in order of
 * (end, id): those that end together wait for each other.
 */
export const q6: Query = {
  title: 'average selling price by seller',
  kind: 'append',
  build: (events) =>
    winningBids(events)
      .keyBy(({ auction }) => auction.seller)
      .process({
        emits: output<Average>(),
        state: {
          closing: mapState<[number, number], number>(),
          prices: valueState<readonly number[]>({ default: [] }),
        },
        onRecord({ auction, bid }, { state, timers, time }) {
          state.closing.set([auction.expires, auction.id], bid.price)
          const next = timers.get('event') ?? Number.POSITIVE_INFINITY
          // Winners have the event time of their auction's end: those of one end come together.
          if (time + 1 < next) timers.event(time + 1)
        },
        onTimer(timer, { key, state, timers, emit }) {
          for (const [[expires, auction], price] of state.closing.entries()) {
            if (expires + 2 > timer.time) {
              timers.event(expires + 2)
              break
            }
            state.closing.delete([expires, auction])
            const prices = [...state.prices.get(), price].slice(-lastAuctions)
            state.prices.set(prices)
            const sum = prices.reduce((total, each) => total + each, 0)
            emit({ seller: key, auction, n: prices.length, sum })
          }
        },
      }),
}
