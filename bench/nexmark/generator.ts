/**
 * The generator of the Nexmark benchmark (Tucker et al. 2002; Apache Beam's `sdks/java/testing/
 * nexmark`), every event from its own number alone. Profile B is Beam's; profile X adds channel and
 * address of a bid in the order of draws of nexmark/nexmark (Flink).
 */
import type { Auction, Bid, NexmarkEvent, Person } from './events.ts'
import { JavaRandom } from './java-random.ts'
import { channelOf } from './channels.ts'
import { extraText, price, text } from './texts.ts'
import type { ExtraMode } from './texts.ts'

export interface GeneratorOptions {
  /** How many. */
  readonly events: number
  /** Default X. */
  readonly profile?: 'B' | 'X'
  /** Events a second of event time; default 10,000. */
  readonly rate?: number
  /** Events are shuffled within groups of so many; default 1: in order. */
  readonly group?: number
  /** `cheap`: slices of one text in place of fresh letters; not the benchmark's events. */
  readonly extra?: ExtraMode
}

const baseMs = 1_436_918_400_000 // 2015-07-15T00:00:00Z
/** Of 50 events the first is a person, the next three are auctions, the others bids. */
const cycle = 50
const auctionsInCycle = 3
const firstId = 1000
const firstCategory = 10
const categories = 5
/** Ids so far ahead of the last one may be named. */
const lead = 10
const hotBatch = 100
const activePeople = 1000
const auctionsInFlight = 100
/** Events until 100 more auctions have begun: how far ahead an auction ends. */
const horizonEvents = Math.floor((auctionsInFlight * cycle) / auctionsInCycle)

/** The events, in order of emission. */
export function* generate(options: GeneratorOptions): Generator<NexmarkEvent> {
  const eventAt = eventsOf(options)
  for (let i = 0; i < options.events; i++) yield eventAt(i)
}

/** A function from the number of an emission (from 0) to its event. */
export function eventsOf(options: Omit<GeneratorOptions, 'events'>): (i: number) => NexmarkEvent {
  const { profile = 'X', rate = 10_000, group = 1, extra = 'fresh' } = options
  const delayUs = Math.floor((1_000_000 + Math.floor(rate / 2)) / rate)
  const timeOf = (id: number): number => baseMs + Math.floor((id * delayUs) / 1000)
  const random = new JavaRandom()
  return (i) => {
    const id = Math.floor(i / group) * group + ((i * 953) % group)
    random.seed(id)
    const offset = id % cycle
    const at = { id, timeMs: timeOf(id), random, extra }
    if (offset === 0) return person(at)
    if (offset <= auctionsInCycle) return auction(at, timeOf(id + horizonEvents) - at.timeMs)
    return bid(at, profile)
  }
}

interface Place {
  /** Of the event. */
  readonly id: number
  readonly timeMs: number
  readonly random: JavaRandom
  readonly extra: ExtraMode
}

function person({ id, timeMs, random, extra }: Place): Person {
  const name = `${pick(firstNames, random)} ${pick(lastNames, random)}`
  const emailAddress = `${text(random, 7)}@${text(random, 5)}.com`
  const creditCard = Array.from({ length: 4 }, () =>
    String(random.nextInt(10_000)).padStart(4, '0'),
  ).join(' ')
  const city = pick(cities, random)
  const state = pick(states, random)
  const size =
    8 + name.length + emailAddress.length + creditCard.length + city.length + state.length
  return {
    type: 'person',
    id: lastPerson(id) + firstId,
    name,
    emailAddress,
    creditCard,
    city,
    state,
    dateTime: timeMs,
    extra: extraText(random, size, 200, extra),
  }
}

function auction({ id, timeMs, random, extra }: Place, horizonMs: number): Auction {
  const isHot = random.nextInt(4) > 0
  const sellerBase = isHot
    ? Math.floor(lastPerson(id) / hotBatch) * hotBatch
    : anyPerson(id, random)
  const category = firstCategory + random.nextInt(categories)
  const initialBid = price(random)
  const expires = timeMs + 1 + random.nextInt(Math.max(2 * horizonMs, 1))
  const itemName = text(random, 20)
  const description = text(random, 100)
  const reserve = initialBid + price(random)
  const size = 48 + itemName.length + description.length
  return {
    type: 'auction',
    id: lastAuction(id) + firstId,
    itemName,
    description,
    initialBid,
    reserve,
    dateTime: timeMs,
    expires,
    seller: sellerBase + firstId,
    category,
    extra: extraText(random, size, 500, extra),
  }
}

function bid({ id, timeMs, random, extra }: Place, profile: 'B' | 'X'): Bid {
  const auctionBase =
    random.nextInt(2) > 0
      ? Math.floor(lastAuction(id) / hotBatch) * hotBatch
      : anyAuction(id, random)
  const bidderBase =
    random.nextInt(4) > 0
      ? Math.floor(lastPerson(id) / hotBatch) * hotBatch + 1
      : anyPerson(id, random)
  const of = {
    type: 'bid' as const,
    auction: auctionBase + firstId,
    bidder: bidderBase + firstId,
    price: price(random),
  }
  if (profile === 'B') return { ...of, dateTime: timeMs, extra: extraText(random, 32, 100, extra) }
  const { channel, url } = channelOf(random)
  return { ...of, channel, url, dateTime: timeMs, extra: extraText(random, 32, 100, extra) }
}

function lastPerson(id: number): number {
  return Math.floor(id / cycle)
}

function lastAuction(id: number): number {
  const epoch = Math.floor(id / cycle)
  const offset = id % cycle
  if (offset < 1) return (epoch - 1) * auctionsInCycle + auctionsInCycle - 1
  return epoch * auctionsInCycle + Math.min(offset, auctionsInCycle) - 1
}

function anyPerson(id: number, random: JavaRandom): number {
  const people = lastPerson(id) + 1
  const active = Math.min(people, activePeople)
  return people - active + random.nextInt(active + lead)
}

function anyAuction(id: number, random: JavaRandom): number {
  const last = lastAuction(id)
  const least = Math.max(last - auctionsInFlight, 0)
  return least + random.nextInt(last - least + 1 + lead)
}

function pick(list: readonly string[], random: JavaRandom): string {
  return list[random.nextInt(list.length)] as string
}

const states = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY']
const cities = [
  'Phoenix',
  'Los Angeles',
  'San Francisco',
  'Boise',
  'Portland',
  'Bend',
  'Redmond',
  'Seattle',
  'Kent',
  'Cheyenne',
]
const firstNames = 'Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter'.split(' ')
const lastNames = 'Shultz Abrams Spencer White Bartels Walton Smith Jones Noris'.split(' ')
