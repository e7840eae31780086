import { bids, inEuro } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids of a range of prices, with the time of day and a count made by a function of one's own. */
export const q14: Query = {
  title: 'calculation',
  kind: 'append',
  build: (events) =>
    bids(events)
      // 0.908 · price between 1,000,000 and 50,000,000, in whole thousandths.
      .filter(({ price }) => price * 908 > 1e9 && price * 908 < 50e9)
      .map(({ auction, bidder, price, dateTime, extra }) => {
        return {
          auction,
          bidder,
          price: inEuro(price),
          bidTimeType: timeTypeOf(Math.floor(dateTime / 3_600_000) % 24),
          dateTime,
          extra,
          c_counts: countOfC(extra),
        }
      }),
}

function timeTypeOf(hour: number): string {
  if (hour >= 8 && hour <= 18) return 'dayTime'
  return hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime'
}

function countOfC(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) === 0x63) count += 1
  return count
}
