import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids with the three directories of their address. */
export const q22: Query = {
  title: 'URL directories',
  kind: 'append',
  build: (events) =>
    bids(events).map(({ auction, bidder, price, channel, url = '' }) => {
      const [, , , dir1, dir2, dir3] = url.split('/', 6)
      return { auction, bidder, price, channel, dir1, dir2, dir3 }
    }),
}
