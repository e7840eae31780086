import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

/** Bids on every 123rd auction. */
export const q2: Query = {
  title: 'selection',
  kind: 'append',
  build: (events) =>
    bids(events)
      .filter(({ auction }) => auction % 123 === 0)
      .map(({ auction, price }) => ({ auction, price })),
}
