/** The generator against check vectors that were made apart from it. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NexmarkEvent } from './events.ts'
import { eventsOf, generate } from './generator.ts'
import type { GeneratorOptions } from './generator.ts'

/** SHA-256 of the events as compact JSON, each with a newline, at 10,000 events a second. */
const vectors = [
  ['B', 1, 1000, '11e3066d7364087841eea65468acb2c29fe579b294122c6799186947e8d8a5f7'],
  ['B', 1, 10_000, '9a80f463392f1428b7e047d5fff8776b430c5a8fd3d130d2c5a693eae0b51ee6'],
  ['B', 1, 100_000, 'aa283419c759a7a1ed18f57358177de9717107ff67418c3c73dad030958b0098'],
  ['B', 1000, 100_000, '2c4832061c9d320b9c777bec546b7c0edbb7f35d71a5b6b467d6d4a4ace87b46'],
  ['X', 1, 1000, '1e2346cc3ce910a11ed6706f4a1eb6386d31651c63ca333ace5393a319cc6d59'],
  ['X', 1, 100_000, '2344f4238ac633767a6ad30428569158ef79013e3f8d8eed529f15a8b3360b9b'],
  ['X', 1000, 100_000, 'e9568d60f8493df31cf2e76141364b249ac27982614b8f6dfff8462bd6e56b7b'],
] as const

test.each(vectors)('profile %s, group %i, %i events', (profile, group, events, sha256) => {
  expect(hashOf({ profile, group, events })).toBe(sha256)
})

test('at 100 events a second the stream is the one that the golden results are of', () => {
  const sha256 = '15ba89f68fbb75a373528d931f18ee28800b0dbe2bc95486b6d9c574ce814f5c'
  expect(hashOf({ profile: 'X', rate: 100, events: 10_000 })).toBe(sha256)
})

test('the first person, auction and bid', () => {
  const [person, auction, , , bid] = [...generate({ profile: 'B', events: 5 })]
  expect(person).toMatchObject({
    type: 'person',
    id: 1000,
    name: 'Peter Jones',
    emailAddress: 'nhd@xcat.com',
    creditCard: '7241 7320 9143 4888',
    city: 'Portland',
    state: 'WY',
    dateTime: Date.UTC(2015, 6, 15),
  })
  expect(auction).toMatchObject({
    type: 'auction',
    id: 1000,
    itemName: 'wkx mgee',
    initialBid: 28_873,
    reserve: 29_448,
    dateTime: Date.UTC(2015, 6, 15),
    expires: Date.UTC(2015, 6, 15) + 11,
    seller: 1000,
    category: 13,
  })
  expect(bid).toMatchObject({ type: 'bid', auction: 1000, bidder: 1001, price: 32_530_001 })
  expect(bid).not.toHaveProperty('channel')
})

test('channel and address leave the rest of a bid but its filling as it is', () => {
  const plain = [...generate({ profile: 'B', events: 1000 })]
  const extended = [...generate({ profile: 'X', events: 1000 })]
  for (const [i, event] of extended.entries()) {
    if (event.type !== 'bid') expect(event).toEqual(plain[i])
    else {
      const { channel, url, extra, ...rest } = event
      expect(plain[i]).toMatchObject(rest)
      expect([channel, url, extra]).not.toContain(undefined)
    }
  }
})

test('a shuffled stream has the same events in another order', () => {
  const inOrder = [...generate({ events: 2000 })].map((event) => JSON.stringify(event))
  const shuffled = [...generate({ events: 2000, group: 1000 })].map((e) => JSON.stringify(e))
  expect(shuffled).not.toEqual(inOrder)
  expect(shuffled.toSorted()).toEqual(inOrder.toSorted())
  // No event leaves its group.
  expect(shuffled.slice(0, 1000).toSorted()).toEqual(inOrder.slice(0, 1000).toSorted())
})

test('an event follows from its number alone, whichever was asked for before', () => {
  const eventAt = eventsOf({ group: 7, rate: 37 })
  const events = [...generate({ events: 200, group: 7, rate: 37 })]
  for (let i = events.length - 1; i >= 0; i--) expect(eventAt(i)).toEqual(events[i])
})

test('the rate sets the times: whole microseconds between events, rounded', () => {
  const timesAt = (rate: number): number[] => {
    return [...generate({ events: 11, rate })].map((event) => event.dateTime - 1_436_918_400_000)
  }
  expect(timesAt(10_000)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  expect(timesAt(100)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
  expect(timesAt(3).slice(0, 4)).toEqual([0, 333, 666, 999]) // 333,333 µs
})

test('cheap filling changes what `extra` says, not how long it is, and nothing else', () => {
  const fresh = [...generate({ events: 1000 })]
  const cheap = [...generate({ events: 1000, extra: 'cheap' })]
  const measured = (event: NexmarkEvent): unknown => ({ ...event, extra: event.extra.length })
  expect(cheap.map(measured)).toEqual(fresh.map(measured))
  expect(cheap.map(({ extra }) => extra)).not.toEqual(fresh.map(({ extra }) => extra))
  expect(cheap).toEqual([...generate({ events: 1000, extra: 'cheap' })])
})

test('no events', () => {
  expect([...generate({ events: 0 })]).toEqual([])
})

function hashOf(options: GeneratorOptions): string {
  const hash = createHash('sha256')
  let text = ''
  for (const event of generate(options)) {
    text += `${JSON.stringify(event)}\n`
    if (text.length < 100_000) continue // a call of its own for each line would take half the time
    hash.update(text)
    text = ''
  }
  return hash.update(text).digest('hex')
}
