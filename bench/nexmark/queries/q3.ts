import { within } from '../../../src/index.ts'
import { auctions, persons } from '../parts.ts'
import type { Query } from '../query.ts'

const states: ReadonlySet<string> = new Set(['OR', 'ID', 'CA'])

/** Auctions of one category by people of three states, whichever of the two comes first. */
export const q3: Query = {
  title: 'local item suggestion',
  kind: 'append',
  build: (events) => {
    const sellers = persons(events).filter(({ state }) => states.has(state))
    return auctions(events)
      .filter(({ category }) => category === 10)
      .keyBy(({ seller }) => seller)
      .join(sellers, within('forever'))
      .map(({ left: { id }, right: { name, city, state } }) => ({ name, city, state, id }))
  },
}
