/** What several queries need: the three kinds of events, days, ranks of prices. */
import { from } from '../../src/index.ts'
import type { Stream } from '../../src/index.ts'
import type { Auction, Bid, Person } from './events.ts'
import type { EventTopic } from './query.ts'

export function bids(events: EventTopic): Stream<Bid, number> {
  return from(events).filter((event) => event.type === 'bid')
}

export function auctions(events: EventTopic): Stream<Auction, number> {
  return from(events).filter((event) => event.type === 'auction')
}

export function persons(events: EventTopic): Stream<Person, number> {
  return from(events).filter((event) => event.type === 'person')
}

const dayMs = 86_400_000

/** The columns of an event. */
export function withoutType<E extends { readonly type: string }>(event: E): Omit<E, 'type'> {
  const { type, ...columns } = event
  void type
  return columns
}

/** `2015-07-15`, UTC. */
export const dayOf: (timeMs: number) => string = makeDayOf()

/** Nearly every event falls into the same day as the one before. */
function makeDayOf(): (timeMs: number) => string {
  let last = Number.NaN
  let text = ''
  return (timeMs) => {
    const day = Math.floor(timeMs / dayMs)
    if (day !== last) {
      last = day
      text = new Date(day * dayMs).toISOString().slice(0, 10)
    }
    return text
  }
}

/** `00:01`, UTC. */
export function minuteOf(timeMs: number): string {
  return minutes[Math.floor(timeMs / 60_000) - Math.floor(timeMs / dayMs) * 1440] as string
}

/** 908/1000 of a price, exactly, with three places. */
export function inEuro(price: number): string {
  const thousandths = price * 908
  return `${Math.floor(thousandths / 1000)}.${String(thousandths % 1000).padStart(3, '0')}`
}

const two = (number: number): string => String(number).padStart(2, '0')
const minutes = Array.from({ length: 1440 }, (_, i) => `${two(Math.floor(i / 60))}:${two(i % 60)}`)
