/**
 * The most frequent values with a bounded number of counters: J. Misra and D. Gries 1982, in the
 * form of SpaceSaving (A. Metwally et al. 2005), where a count may be too high by a known error,
 * with eviction of many at a time (D. Anderson et al., "A high-performance algorithm for
 * identifying frequent items in data streams", 2017), and merged as P. Agarwal et al. ("Mergeable
 * summaries", 2012).
 *
 * A value that has a counter occurred at most `count` times and at least count − error times; one
 * that has none at most `floor` times. When there are twice as many counters as are kept, those up
 * to the (m + 1)-th largest go, and its count is the new floor. Each rise of the floor by one takes
 * one record from m + 1 counters: floor ≤ n / (m + 1) for n records, also after merging.
 */
import { keyOfState } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { Identity } from './distinct.ts'
import { Version, bodyOf, withSlot } from './version.ts'
import type { Body } from './version.ts'

export interface Counter {
  readonly count: number
  readonly error: number
}

/** A slot is a value: its counter, or undefined. */
class Counters implements Body<Identity, Counter | undefined> {
  readonly all: Map<Identity, Counter>
  readonly floor: number

  constructor(all: Map<Identity, Counter>, floor: number) {
    this.all = all
    this.floor = floor
  }

  swap(identity: Identity, counter: Counter | undefined): Counter | undefined {
    const before = this.all.get(identity)
    if (counter === undefined) this.all.delete(identity)
    else this.all.set(identity, counter)
    return before
  }
}

export type FrequentValues = Version<Counters, Identity, Counter | undefined>

export function noValues(): FrequentValues {
  return new Version<Counters, Identity, Counter | undefined>(new Counters(new Map(), 0))
}

/** @param kept counters to keep, m */
export function addValue(values: FrequentValues, identity: Identity, kept: number): FrequentValues {
  const { all, floor } = bodyOf(values)
  const known = all.get(identity)
  if (known !== undefined) {
    return withSlot(values, identity, { count: known.count + 1, error: known.error })
  }
  const added = withSlot(values, identity, { count: floor + 1, error: floor })
  return all.size <= 2 * kept ? added : new Version(evicted(bodyOf(added), kept))
}

export function mergeValues(
  first: FrequentValues,
  second: FrequentValues,
  kept: number,
): FrequentValues {
  const [a, b] = [bodyOf(first), bodyOf(second)]
  const all = new Map<Identity, Counter>()
  // What has no counter on one side may have occurred there as often as its floor.
  for (const [identity, { count, error }] of a.all) {
    const other = b.all.get(identity) ?? { count: b.floor, error: b.floor }
    all.set(identity, { count: count + other.count, error: error + other.error })
  }
  for (const [identity, { count, error }] of b.all) {
    if (a.all.has(identity)) continue
    all.set(identity, { count: count + a.floor, error: error + a.floor })
  }
  const merged = new Counters(all, a.floor + b.floor)
  return new Version(all.size <= 2 * kept ? merged : evicted(merged, kept))
}

export function countersOf(values: FrequentValues): (Counter & { readonly key: Key })[] {
  return Array.from(bodyOf(values).all, ([identity, { count, error }]) => ({
    key: keyOfState(identity),
    count,
    error,
  }))
}

/** The floor, then value, count, error; value, count, error… */
export type FrequentState = readonly [number, ...(Identity | number)[]]

export function frequentState(values: FrequentValues): FrequentState {
  const { all, floor } = bodyOf(values)
  const flat: (Identity | number)[] = []
  for (const [identity, { count, error }] of all) flat.push(identity, count, error)
  return [floor, ...flat]
}

export function frequentValuesOf([floor, ...flat]: FrequentState): FrequentValues {
  const all = new Map<Identity, Counter>()
  for (let i = 0; i < flat.length; i += 3) {
    all.set(flat[i] as Identity, { count: flat[i + 1] as number, error: flat[i + 2] as number })
  }
  return new Version<Counters, Identity, Counter | undefined>(new Counters(all, floor))
}

/** A body of its own: the one before stays as it is. */
function evicted({ all }: Counters, kept: number): Counters {
  const counts = Float64Array.from(all.values(), ({ count }) => count).sort()
  const floor = counts[counts.length - kept - 1] as number
  const rest = new Map<Identity, Counter>()
  for (const [identity, counter] of all) if (counter.count > floor) rest.set(identity, counter)
  return new Counters(rest, floor)
}
