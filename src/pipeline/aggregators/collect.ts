/**
 * `collect`: all values, in order of arrival. An accumulator is a length over an array that all
 * accumulators of one group share, so adding costs O(1) and the one before stays valid: when the
 * newest is dropped (a record undone), the next add overwrites what it had put behind the older
 * one's length. Only the newest may be dropped: two that grew from one are not both valid.
 */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction } from './aggregator-of.ts'
import { arrivalsAggregator } from './arrivals.ts'
import { itemsOf } from './ordered-tree.ts'

interface Collected {
  readonly items: unknown[]
  readonly count: number
}

/**
 * All values as an array, in order of arrival. What is kept grows with every record: for windows.
 * Over a table a value that leaves is found by its content; of equal ones the first leaves.
 * @param fn what to keep of the value; default: all
 * @example
 * from(orders).window(tumbling('1h')).aggregate({ ids: collect((o) => o.id) })
 */
export function collect<V>(): AggregatorOf<V, V[]>
export function collect<V, R>(fn: (value: V) => R): AggregatorOf<V, R[]>
export function collect(
  fn: (value: unknown) => unknown = (value) => value,
): AggregatorOf<unknown, unknown[]> {
  needsFunction('collect', fn)
  const listOf = ({ items, count }: Collected): unknown[] => items.slice(0, count)
  return aggregatorOf<unknown, unknown[], Collected, unknown>({
    kind: 'collect',
    extract: (value) => fn(value),
    init: () => ({ items: [], count: 0 }),
    add: ({ items, count }, extracted) => {
      if (items.length > count) items.length = count // left by a record that was undone
      items.push(extracted)
      return { items, count: count + 1 }
    },
    merge: (first, second) => {
      const items = [...listOf(first), ...listOf(second)]
      return { items, count: items.length }
    },
    retract: null,
    retracting: arrivalsAggregator<unknown, unknown[], null, unknown>({
      kind: 'collect',
      extract: (value) => ({ by: null, given: fn(value) }),
      rank: () => 0,
      result: (ranked) => itemsOf(ranked).map(({ given }) => given),
    }),
    result: listOf,
    state: {
      toState: listOf,
      fromState: (state) => {
        const items = state as unknown[]
        return { items, count: items.length }
      },
    },
  })
}
