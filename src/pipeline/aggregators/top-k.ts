/** `topK`: the most frequent values, from a summary (frequent-values.ts). */
import { compareKeys, keyOfState } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction, needsNumber, neverAdded } from './aggregator-of.ts'
import { compareIdentities, identityOf } from './distinct.ts'
import type { Identity } from './distinct.ts'
import {
  addValue,
  countersOf,
  frequentState,
  frequentValuesOf,
  mergeValues,
  noValues,
} from './frequent-values.ts'
import type { FrequentState, FrequentValues } from './frequent-values.ts'
import { find, itemsOf, put, remove, treeOf } from './ordered-tree.ts'
import type { Tree } from './ordered-tree.ts'

/** One of the most frequent values. */
export interface TopValue<K> {
  readonly value: K
  /** How often it came: at most so often, and at least `count − error` times. */
  readonly count: number
  /** 0: the count is exact. */
  readonly error: number
}

const kMax = 10_000
/** Counters for each place of the result, and at least: the error is one record in 500. */
const countersPerPlace = 10
const countersMin = 500

/**
 * The `k` most frequent values, by count, the most frequent first; of equal counts in the order of
 * keys (numbers before strings). Kept are m = max(500, 10 · k) counters, twice as many in between.
 * While there are no more different values than that, all counts are exact. Beyond, a count is too
 * high by at most its `error`, which is at most n / (m + 1) of n records, and every value that came
 * more often than n / (m + 1) times has a counter. Merging keeps these bounds.
 *
 * Values are strings, numbers, bigints, booleans, or arrays of these, equal as keys are (1, '1' and
 * 1n differ, NaN equals NaN); null and undefined are not counted, so the result can be empty. A
 * record that gives anything else goes to the dead letters.
 *
 * Over a table, where values leave, every value is kept and counted: `error` is 0.
 *
 * Source: J. Misra, D. Gries 1982; A. Metwally et al., "Efficient computation of frequent and top-k
 * elements in data streams", 2005; P. Agarwal et al., "Mergeable summaries", 2012.
 * @param fn the value to count
 * @param k how many, 1 to 10,000
 * @throws `invalid-argument` for a `k` out of range
 * @example
 * from(visits).window(tumbling('1h')).aggregate({ pages: topK((v) => v.page, 10) })
 */
export function topK<V, K extends Key>(
  fn: (value: V) => K | null | undefined,
  k: number,
): AggregatorOf<V, TopValue<K>[]> {
  needsFunction('topK', fn)
  needsNumber('k', k, { min: 1, max: kMax, isWhole: true })
  const kept = Math.max(countersMin, countersPerPlace * k)
  return aggregatorOf<V, TopValue<K>[], FrequentValues, Identity | undefined>({
    // Counters can be kept for another k.
    kind: 'topK',
    extract: (value) => identityOf(fn(value)),
    init: noValues,
    add: (values, identity) => (identity === undefined ? values : addValue(values, identity, kept)),
    merge: (first, second) => mergeValues(first, second, kept),
    retract: null,
    retracting: retractingTopK(fn, k),
    result: (values) =>
      countersOf(values)
        .sort((a, b) => b.count - a.count || compareKeys(a.key, b.key))
        .slice(0, k)
        .map(({ key, count, error }) => ({ value: key as K, count, error })),
    state: {
      toState: frequentState,
      fromState: (state) => frequentValuesOf(state as FrequentState),
    },
  })
}

interface Counted {
  readonly identity: Identity
  readonly key: Key
  readonly count: number
}

/** Every value, by identity and by rank. */
interface Ranking {
  readonly counted: Tree<Counted>
  readonly ranked: Tree<Counted>
}

function retractingTopK<V, K extends Key>(
  fn: (value: V) => K | null | undefined,
  k: number,
): AggregatorOf<V, TopValue<K>[]> {
  return aggregatorOf<V, TopValue<K>[], Ranking, Identity | undefined>({
    kind: 'retracting topK',
    extract: (value) => identityOf(fn(value)),
    init: () => ({ counted: null, ranked: null }),
    add: (ranking, identity) => (identity === undefined ? ranking : changed(ranking, identity, 1)),
    merge: (first, second) =>
      itemsOf(second.counted).reduce(
        (all, { identity, count }) => changed(all, identity, count),
        first,
      ),
    retract: (ranking, identity) =>
      identity === undefined ? ranking : changed(ranking, identity, -1),
    retracting: null,
    result: ({ ranked }) =>
      itemsOf(ranked, k).map(({ key, count }) => ({ value: key as K, count, error: 0 })),
    state: {
      toState: ({ counted }) =>
        itemsOf(counted).flatMap(({ identity, count }) => [identity, count]),
      fromState: (state) => {
        const flat = state as (Identity | number)[]
        const items: Counted[] = []
        for (let i = 0; i < flat.length; i += 2) {
          items.push(countedOf(flat[i] as Identity, flat[i + 1] as number))
        }
        return { counted: treeOf(items), ranked: treeOf(items.toSorted(byRank)) }
      },
    },
  })
}

function changed({ counted, ranked }: Ranking, identity: Identity, by: number): Ranking {
  const known = find(counted, { identity, key: '', count: 0 }, byIdentity)
  const count = (known?.count ?? 0) + by
  if (count < 0) throw neverAdded('topK')
  const without = known === undefined ? ranked : remove(ranked, known, byRank)
  if (count === 0) {
    const rest = known === undefined ? counted : remove(counted, known, byIdentity)
    return { counted: rest, ranked: without }
  }
  const next = known === undefined ? countedOf(identity, count) : { ...known, count }
  return { counted: put(counted, next, byIdentity), ranked: put(without, next, byRank) }
}

function countedOf(identity: Identity, count: number): Counted {
  return { identity, key: keyOfState(identity), count }
}

function byIdentity(a: Counted, b: Counted): number {
  return compareIdentities(a.identity, b.identity)
}

function byRank(a: Counted, b: Counted): number {
  return b.count - a.count || compareKeys(a.key, b.key)
}
