import { aggregator, from, tumbling } from '../../../src/index.ts'
import type { Auction, Person } from '../events.ts'
import type { Query } from '../query.ts'

interface Seen {
  readonly name: string | null
  readonly sells: boolean
}

/** People who came within 10 seconds and put something up for auction within the same. */
export const q8: Query = {
  title: 'monitor new users',
  kind: 'append',
  build: (events) =>
    from(events)
      .filter((event) => event.type !== 'bid')
      .keyBy((event) => (event.type === 'person' ? event.id : event.seller))
      .window(tumbling('10s'))
      .aggregate({ seen: seenOf() })
      .filter(({ seen }) => seen.name !== null && seen.sells)
      .map(({ key, seen, window }) => ({ id: key, name: seen.name, starttime: window.start })),
}

function seenOf() {
  return aggregator({
    kind: 'seen',
    init: (): Seen => ({ name: null, sells: false }),
    add: ({ name, sells }, event: Person | Auction): Seen =>
      event.type === 'person' ? { name: event.name, sells } : { name, sells: true },
  })
}
