/**
 * Different values, in order, each with how often it is there: the accumulator of aggregates that
 * depend on which values there are, for groups that records leave again. O(log n) a record, n being
 * the number of different values. The state is a flat list: value, count, value, count…
 */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, neverAdded } from './aggregator-of.ts'
import { find, itemsOf, put, remove, treeOf } from './ordered-tree.ts'
import type { Compare, Tree } from './ordered-tree.ts'

export interface Counted<T> {
  readonly value: T
  readonly count: number
}

export interface CountedParts<V, R, T> {
  readonly kind: string
  /** undefined: the record does not count. */
  extract(value: V): T | undefined
  /** A total order of the values; those for which it gives 0 are one. */
  readonly compare: Compare<T>
  result(values: Tree<Counted<T>>): R
}

/** An aggregator over the values that are there, with `retract`. */
export function countedAggregator<V, R, T>(parts: CountedParts<V, R, T>): AggregatorOf<V, R> {
  const { kind } = parts
  const compare: Compare<Counted<T>> = (a, b) => parts.compare(a.value, b.value)
  const changed = (values: Tree<Counted<T>>, value: T, by: number): Tree<Counted<T>> => {
    const probe: Counted<T> = { value, count: by }
    const known = find(values, probe, compare)
    if (known === undefined) {
      if (by < 0) throw neverAdded(kind)
      return put(values, probe, compare)
    }
    const count = known.count + by
    return count === 0
      ? remove(values, known, compare)
      : put(values, { value: known.value, count }, compare)
  }
  return aggregatorOf<V, R, Tree<Counted<T>>, T | undefined>({
    kind: `retracting ${kind}`,
    extract: (value) => parts.extract(value),
    init: () => null,
    add: (values, value) => (value === undefined ? values : changed(values, value, 1)),
    merge: (first, second) =>
      itemsOf(second).reduce((all, { value, count }) => changed(all, value, count), first),
    retract: (values, value) => (value === undefined ? values : changed(values, value, -1)),
    retracting: null,
    result: (values) => parts.result(values),
    state: {
      toState: (values) => itemsOf(values).flatMap(({ value, count }) => [value, count]),
      fromState: (state) => {
        const flat = state as unknown[]
        const items: Counted<T>[] = []
        for (let i = 0; i < flat.length; i += 2) {
          items.push({ value: flat[i] as T, count: flat[i + 1] as number })
        }
        return treeOf(items)
      },
    },
  })
}
