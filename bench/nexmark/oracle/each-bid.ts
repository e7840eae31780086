/** q0, q1, q2, q10, q13, q14, q21 and q22: each bid by itself. */
import type { Bid } from '../events.ts'
import { bidsOf, dayOf, minuteOf } from './rows.ts'
import type { Oracle, OracleRow } from './rows.ts'

/** Pass-through. */
export const q0: Oracle = (events) => bidsOf(events).map(plain)

/** Prices in another currency, as decimals. */
export const q1: Oracle = (events) =>
  bidsOf(events).map((bid) => ({ ...plain(bid), price: converted(bid.price) }))

/** Every 123rd auction. */
export const q2: Oracle = (events) =>
  bidsOf(events)
    .filter(({ auction }) => auction % 123 === 0)
    .map(({ auction, price }) => ({ auction, price }))

/** With the day and the minute by which files are cut. */
export const q10: Oracle = (events) =>
  bidsOf(events).map((bid) => {
    return { ...plain(bid), dt: dayOf(bid.dateTime), hm: minuteOf(bid.dateTime) }
  })

/** With the value of a side table of 10,000 rows, whose row i has the value i. */
export const q13: Oracle = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime }) => {
    return { auction, bidder, price, dateTime, value: String(auction % 10_000) }
  })

/** Prices between 1,000,000 and 50,000,000 of the other currency, both excluded. */
export const q14: Oracle = (events) =>
  bidsOf(events)
    .filter(({ price }) => price * 908 > 1_000_000_000 && price * 908 < 50_000_000_000)
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: converted(price),
      bidTimeType: timeType(new Date(dateTime).getUTCHours()),
      dateTime,
      extra,
      c_counts: extra.split('c').length - 1,
    }))

/** The number of the channel, known or from the address; a bid with neither is left out. */
export const q21: Oracle = (events) =>
  bidsOf(events)
    .map(({ auction, bidder, price, channel, url }) => {
      return { auction, bidder, price, channel, channel_id: channelId(channel, url) }
    })
    .filter((row) => row.channel_id !== undefined)

/** The fourth, fifth and sixth piece of the address. */
export const q22: Oracle = (events) =>
  bidsOf(events).map(({ auction, bidder, price, channel, url }) => {
    const pieces = url?.split('/') ?? []
    return { auction, bidder, price, channel, dir1: pieces[3], dir2: pieces[4], dir3: pieces[5] }
  })

function plain({ auction, bidder, price, dateTime, extra }: Bid): OracleRow {
  return { auction, bidder, price, dateTime, extra }
}

/** 0.908 of the price, exactly. */
function converted(price: number): string {
  const digits = String(price * 908).padStart(4, '0')
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`
}

function timeType(hour: number): string {
  if (hour >= 8 && hour <= 18) return 'dayTime'
  if (hour <= 6 || hour >= 20) return 'nightTime'
  return 'otherTime' // 7 and 19
}

function channelId(channel = '', url = ''): string | undefined {
  const known = ['apple', 'google', 'facebook', 'baidu'].indexOf(channel.toLowerCase())
  if (known >= 0) return String(known)
  return /(&|^)channel_id=([^&]*)/.exec(url)?.[2]
}
