/** Auctions with the bid that won, when they close: what q4, q6 and q9 are about. */
import { from, listState, output, valueState } from '../../src/index.ts'
import type { Stream } from '../../src/index.ts'
import type { Auction, Bid } from './events.ts'
import type { EventTopic } from './query.ts'

export interface Winner {
  readonly auction: Auction
  readonly bid: Bid
}

/**
 * The highest bid from an auction's beginning to its end, both included; of equal prices the
 * earliest. Auctions without such a bid are left out.
 *
 * A bid may come before its auction. It waits until event time has passed it: an auction that began
 * by then would have come. So what is kept is the auctions that are open, and the bids on unknown
 * ones within the disorder of the topic.
 */
export function winningBids(events: EventTopic): Stream<Winner, number> {
  return from(events)
    .filter((event) => event.type !== 'person')
    .process({
      emits: output<Winner>(),
      state: {
        auction: valueState<Auction>(),
        best: valueState<Bid>(),
        early: listState<Bid>(),
      },
      onRecord(event, { state: { auction, best, early }, timers }) {
        if (event.type === 'auction') {
          auction.set(event)
          for (const bid of early) if (isBetter(bid, event, best.get())) best.set(bid)
          early.clear()
          timers.cancel('event', 'early')
          timers.event(event.expires + 1, 'end') // a bid at the very end counts
          return
        }
        const open = auction.get()
        if (open === undefined) {
          early.push(event)
          const latest = timers.get('event', 'early') ?? Number.NEGATIVE_INFINITY
          if (event.dateTime >= latest) timers.event(event.dateTime + 1, 'early')
        } else if (isBetter(event, open, best.get())) best.set(event)
      },
      onTimer({ name }, { state, emit, clear }) {
        const auction = state.auction.get()
        const bid = state.best.get()
        if (name === 'end' && auction !== undefined && bid !== undefined) emit({ auction, bid })
        clear()
      },
    })
    .named('winning-bids')
}

function isBetter(bid: Bid, { dateTime, expires }: Auction, best: Bid | undefined): boolean {
  if (bid.dateTime < dateTime || bid.dateTime > expires) return false
  if (best === undefined || bid.price > best.price) return true
  return bid.price === best.price && bid.dateTime < best.dateTime
}
