import { bids } from '../parts.ts'
import type { Query } from '../query.ts'

const known: ReadonlyMap<string, string> = new Map([
  ['apple', '0'],
  ['google', '1'],
  ['facebook', '2'],
  ['baidu', '3'],
])
const inUrl = /(?:&|^)channel_id=([^&]*)/

/** Bids with the number of their channel, from its name or the address; others are left out. */
export const q21: Query = {
  title: 'add channel id',
  kind: 'append',
  build: (events) =>
    bids(events).flatMap(({ auction, bidder, price, channel = '', url = '' }) => {
      const channelId = known.get(channel.toLowerCase()) ?? inUrl.exec(url)?.[1]
      if (channelId === undefined) return []
      return [{ auction, bidder, price, channel, channel_id: channelId }]
    }),
}
