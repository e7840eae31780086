/**
 * Patterns: types name what each part matched. Compiled by the type check, never run: each line
 * below a mark must be an error.
 */
import { from, json, pattern, string, topic } from 'millrace'
import type { Match, Matches, Stream, TimedOut } from 'millrace'
import type { Equal, Expect } from './equal.ts'

type Tick = { symbol: string; price: number }
type Event = { type: 'x'; x: number } | { type: 'y'; y: string }
const ticks = from(topic('ticks', { codec: json<Tick>(), key: (t) => t.symbol }))
const events = from(topic('events', { codec: json<Event>(), key: () => 1 }))
const texts = from(topic('texts', { codec: string(), key: (text) => text }))
const keyless = from(topic('keyless', { codec: json<Tick>() }))

const spike = pattern<Tick>()
  .one('start', (t) => t.price > 100)
  .followedBy.some('falls', (t, m) => t.price < (m.falls.at(-1) ?? m.start).price, {
    atLeast: 2,
    greedy: true,
  })
  .then.none('recovery', (t, m) => t.price > m.start.price + m.falls.length)
  .then.one('maybe', (t) => t.price > 0, { optional: true })
  .within('10m')
type Spike = { readonly start: Tick; readonly falls: Tick[]; readonly maybe: Tick | null }
const spikes = ticks.match(spike)
const named = ticks.match(spike, { afterMatch: { toFirst: 'falls' } }).named('spikes')

/** A condition that is a type guard narrows: later conditions see `m.x.x`. */
const guarded = events.match((p) =>
  p
    .one('x', (e) => e.type === 'x')
    .then.one('y', (e, m) => e.type === 'y' && m.x.x > 1)
    .within('1s'),
)

export type Types = [
  Expect<Equal<typeof spikes, Matches<string, Spike>>>,
  Expect<Equal<typeof spikes.timedOut, Stream<TimedOut<string, Spike>, string>>>,
  Expect<Equal<typeof named, Matches<string, Spike>>>,
  Expect<
    typeof guarded extends Stream<Match<number, { readonly x: { type: 'x'; x: number } }>, number>
      ? true
      : false
  >,
]

/** Matches are a stream. */
export const prices: Stream<number, string> = spikes.map(({ match }) => match.start.price)

/** No annotation inside `match`. */
ticks.match(
  (p) =>
    p
      .one('s', (t) => t.price > 1)
      .followedByAny.some('f', (t, m) => t.price > m.s.price, {
        atMost: 3,
      }),
  { afterMatch: { toFirst: 'f' }, unbounded: true },
)

// @ts-expect-error no key
keyless.match(spike)
// @ts-expect-error a part that no match has
ticks.match(spike, { afterMatch: { toLast: 'recovery' } })
// @ts-expect-error none does not follow followedByAny
spike.followedByAny.none('x', () => true)
// @ts-expect-error a name twice
spike.then.one('start')
// @ts-expect-error a pattern cannot begin with none
pattern<Tick>().none('a', () => true)
// @ts-expect-error no such field
pattern<Tick>().one('a', (t) => t.nothing)
// @ts-expect-error a later part
pattern<Tick>().one('a', (t, m) => m.b)
// @ts-expect-error not a duration
spike.within('ten')
// @ts-expect-error none has no field in the match
spikes.map((r) => r.match.recovery)
// @ts-expect-error values of another type
texts.match(spike)
