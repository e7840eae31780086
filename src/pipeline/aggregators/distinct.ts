/**
 * `distinct`: how many different values, exactly. An accumulator is a length over storage that all
 * accumulators of one group share, as in `collect`: a value is in it where its position is below
 * the length. Only the newest may be dropped: two that grew from one are not both valid.
 */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction } from './aggregator-of.ts'
import { countedAggregator } from './counted.ts'
import { sizeOf } from './ordered-tree.ts'

/** As `stateKey` makes them: 1, '1' and 1n differ, NaN equals NaN, −0 equals 0. */
export type Identity = string | number

interface Distinct {
  readonly storage: {
    readonly items: Identity[]
    /** Of each item, its index in `items`; null: so few that they are searched. */
    positions: Map<Identity, number> | null
  }
  readonly count: number
}

/** Up to here a list is searched: quicker, and a fraction of a Map's room. */
const searchedMax = 8

/**
 * How many different values there were, exactly: every one is kept. Strings, numbers, bigints,
 * booleans, or arrays of these compared by content; null and undefined are not counted. A record
 * that gives anything else goes to the dead letters. Over a table each is kept with how often it is
 * there.
 * @example
 * from(visits).window(tumbling('1d')).aggregate({ visitors: distinct((v) => v.user) })
 */
export function distinct<V>(fn: (value: V) => Key | null | undefined): AggregatorOf<V, number> {
  needsFunction('distinct', fn)
  return aggregatorOf<V, number, Distinct, Identity | null>({
    kind: 'distinct',
    extract: (value) => identityOf(fn(value)) ?? null,
    init: () => distinctOf([]),
    add: (accumulator, extracted) =>
      extracted === null ? accumulator : add(accumulator, extracted),
    merge: (first, second) => {
      const items = new Set([...itemsOf(first), ...itemsOf(second)])
      return distinctOf([...items])
    },
    retract: null,
    retracting: retractingDistinct(fn),
    result: ({ count }) => count,
    state: {
      toState: itemsOf,
      fromState: (state) => distinctOf(state as Identity[]),
    },
  })
}

/** How many different values there are: each with how often, so that it goes when its last goes. */
export function retractingDistinct<V>(
  fn: (value: V) => Key | null | undefined,
): AggregatorOf<V, number> {
  return countedAggregator<V, number, Identity>({
    kind: 'distinct',
    extract: (value) => identityOf(fn(value)),
    compare: compareIdentities,
    result: sizeOf,
  })
}

/** undefined: the record does not count. @throws `invalid-argument` for what is no key */
export function identityOf(given: Key | null | undefined): Identity | undefined {
  return given === null || given === undefined ? undefined : stateKey(given)
}

/** Any total order: numbers before texts. Identities are never NaN. */
export function compareIdentities(a: Identity, b: Identity): number {
  if (a === b) return 0
  if (typeof a === typeof b) return a < b ? -1 : 1
  return typeof a === 'number' ? -1 : 1
}

function add(accumulator: Distinct, item: Identity): Distinct {
  const { storage, count } = accumulator
  const { items } = storage
  const position = storage.positions === null ? items.indexOf(item) : storage.positions.get(item)
  if (position !== undefined && position >= 0 && position < count) return accumulator
  // What lies behind the length was left by a record that was undone.
  while (items.length > count) {
    const gone = items.pop() as Identity
    storage.positions?.delete(gone)
  }
  storage.positions?.set(item, count)
  items.push(item)
  if (items.length === searchedMax + 1) storage.positions = positionsOf(items)
  return { storage, count: count + 1 }
}

function distinctOf(items: Identity[]): Distinct {
  const positions = items.length > searchedMax ? positionsOf(items) : null
  return { storage: { items, positions }, count: items.length }
}

function positionsOf(items: readonly Identity[]): Map<Identity, number> {
  return new Map(items.map((item, index) => [item, index]))
}

function itemsOf({ storage, count }: Distinct): Identity[] {
  return storage.items.slice(0, count)
}
