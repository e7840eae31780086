/**
 * `distinct`: how many different values, exactly. An accumulator is a length over storage that all
 * accumulators of one group share, as in `collect`: a value is in it where its position is below
 * the length. Only the newest may be dropped: two that grew from one are not both valid.
 */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction } from './aggregator-of.ts'

/** As `stateKey` makes them: 1, '1' and 1n differ, NaN equals NaN, −0 equals 0. */
type Identity = string | number

interface Distinct {
  readonly items: Identity[]
  /** Of each item, its index in `items`. */
  readonly positions: Map<Identity, number>
  readonly count: number
}

/**
 * How many different values there were, exactly: every one is kept. Strings, numbers, bigints,
 * booleans, or arrays of these compared by content; null and undefined are not counted. A record
 * that gives anything else goes to the dead letters.
 * @example
 * from(visits).window(tumbling('1d')).aggregate({ visitors: distinct((v) => v.user) })
 */
export function distinct<V>(fn: (value: V) => Key | null | undefined): AggregatorOf<V, number> {
  needsFunction('distinct', fn)
  return aggregatorOf<V, number, Distinct, Identity | null>({
    kind: 'distinct',
    extract: (value) => {
      const given = fn(value)
      return given === null || given === undefined ? null : stateKey(given)
    },
    init: () => distinctOf([]),
    add: (accumulator, extracted) =>
      extracted === null ? accumulator : add(accumulator, extracted),
    merge: (first, second) => {
      const items = new Set([...itemsOf(first), ...itemsOf(second)])
      return distinctOf([...items])
    },
    result: ({ count }) => count,
    state: {
      toState: itemsOf,
      fromState: (state) => distinctOf(state as Identity[]),
    },
  })
}

function add(accumulator: Distinct, item: Identity): Distinct {
  const { items, positions, count } = accumulator
  const position = positions.get(item)
  if (position !== undefined && position < count) return accumulator
  // What lies behind the length was left by a record that was undone.
  while (items.length > count) positions.delete(items.pop() as Identity)
  positions.set(item, count)
  items.push(item)
  return { items, positions, count: count + 1 }
}

function distinctOf(items: Identity[]): Distinct {
  const positions = new Map(items.map((item, index) => [item, index]))
  return { items, positions, count: items.length }
}

function itemsOf({ items, count }: Distinct): Identity[] {
  return items.slice(0, count)
}
