import { max } from '../../../src/index.ts'
import type { Bid } from '../events.ts'
import { bids, dayOf, minuteOf } from '../parts.ts'
import type { Query } from '../query.ts'
import { bidStatistics } from '../statistics.ts'

/** The same for each channel and day, with the last minute that had a bid. */
export const q16: Query = {
  title: 'channel statistics',
  kind: 'update',
  build: (events) =>
    bids(events)
      .keyBy(({ channel = '', dateTime }) => `${dayOf(dateTime)} ${channel}`)
      .aggregate({ minute: max(({ dateTime }: Bid) => minuteOf(dateTime)), ...bidStatistics() })
      .map(({ key, ...statistics }) => {
        return { channel: key.slice(11), day: key.slice(0, 10), ...statistics }
      }),
}
