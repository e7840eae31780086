/**
 * The aggregators. Each is a value for one field of `aggregate`; the user's function runs in `extract` only. "First" and "last" follow
 * the order of processing, which within a partition is the order of the log.
 */
import { MillraceError } from '../core/error.ts'
import { stateKey } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import type { Aggregator, AggregatorOf } from './aggregator.ts'

/** What `min` and `max` compare: all of one kind. */
export type Comparable = number | bigint | string | Date

function hide<V, R, A, E>(aggregator: Aggregator<V, R, A, E>): AggregatorOf<V, R> {
  return aggregator as unknown as AggregatorOf<V, R>
}

/** Number of records. */
export function count(): AggregatorOf<unknown, number> {
  return hide<unknown, number, number, undefined>({
    kind: 'count',
    extract: () => undefined,
    init: () => 0,
    add: (soFar) => soFar + 1,
    merge: (first, second) => first + second,
    result: (soFar) => soFar,
    state: null,
  })
}

/** Sum of numbers, in double precision. A value that is no finite number sends the record to the dead letters. */
export function sum<V>(of: (value: V) => number): AggregatorOf<V, number> {
  return hide<V, number, number, number>({
    kind: 'sum',
    extract: (value) => finite(of(value), 'sum'),
    init: () => 0,
    add: (soFar, next) => soFar + next,
    merge: (first, second) => first + second,
    result: (soFar) => soFar,
    state: null,
  })
}

/** Arithmetic mean of numbers. A value that is no finite number sends the record to the dead letters. */
export function mean<V>(of: (value: V) => number): AggregatorOf<V, number> {
  interface Mean {
    readonly total: number
    readonly count: number
  }
  return hide<V, number, Mean, number>({
    kind: 'mean',
    extract: (value) => finite(of(value), 'mean'),
    init: () => ({ total: 0, count: 0 }),
    add: (soFar, next) => ({ total: soFar.total + next, count: soFar.count + 1 }),
    merge: (first, second) => ({ total: first.total + second.total, count: first.count + second.count }),
    result: (soFar) => soFar.total / soFar.count,
    state: null,
  })
}

/** Smallest value. Numbers, bigints, strings or Dates, all of one kind; NaN and invalid Dates are refused (dead letter). */
export function min<V, T extends Comparable>(of: (value: V) => T): AggregatorOf<V, T> {
  return extreme('min', of, (next, best) => next < best)
}

/** Largest value, as `min`. Of equal ones the first. */
export function max<V, T extends Comparable>(of: (value: V) => T): AggregatorOf<V, T> {
  return extreme('max', of, (next, best) => next > best)
}

function extreme<V, T extends Comparable>(
  kind: string,
  of: (value: V) => T,
  better: (next: T, best: T) => boolean,
): AggregatorOf<V, T> {
  const pick = (best: T | undefined, next: T | undefined): T | undefined => {
    if (best === undefined || next === undefined) return best ?? next
    return better(next, best) ? next : best
  }
  return hide<V, T, T | undefined, T>({
    kind,
    extract: (value) => comparable(of(value), kind),
    init: () => undefined,
    add: pick,
    merge: pick,
    result: (best) => best as T,
    state: null,
  })
}

/** The first value (default: the whole record). */
export function first<V, R = V>(of?: (value: V) => R): AggregatorOf<V, R> {
  return held('first', of, (soFar) => soFar)
}

/** The last value (default: the whole record). */
export function last<V, R = V>(of?: (value: V) => R): AggregatorOf<V, R> {
  return held('last', of, (_soFar, next) => next)
}

/** One value in a box, so that undefined can be held too. */
type Box<R> = { readonly it: R } | null

function held<V, R>(
  kind: string,
  of: ((value: V) => R) | undefined,
  choose: (soFar: Box<R>, next: Box<R>) => Box<R>,
): AggregatorOf<V, R> {
  const either = (soFar: Box<R>, next: Box<R>): Box<R> => (soFar === null ? next : next === null ? soFar : choose(soFar, next))
  return hide<V, R, Box<R>, R>({
    kind,
    extract: (value) => (of === undefined ? (value as unknown as R) : of(value)),
    init: () => null,
    add: (soFar, next) => either(soFar, { it: next }),
    merge: either,
    result: (soFar) => (soFar as { it: R }).it,
    state: null,
  })
}

/** Exact number of distinct values, equal as keys are (1 is not '1'; NaN is NaN). All of them are kept in state. */
export function distinct<V>(of: (value: V) => Key): AggregatorOf<V, number> {
  return hide<V, number, Distinct, Key>({
    kind: 'distinct',
    extract: (value) => {
      const key = of(value)
      stateKey(key) // throws for what is no key
      return key
    },
    init: () => ({ items: [], places: new Map(), count: 0 }),
    add: addDistinct,
    merge: (one, other) => other.items.slice(0, other.count).reduce<Distinct>(addDistinct, one),
    result: (soFar) => soFar.count,
    state: {
      toState: (soFar) => soFar.items.slice(0, soFar.count),
      fromState: (state) =>
        (state as Key[]).reduce<Distinct>(addDistinct, { items: [], places: new Map(), count: 0 }),
    },
  })
}

/**
 * Grows without copying: versions share `items` and `places`, a version is its first `count` items. A value belongs to a version where the
 * item at its place is that value and its place is below the count; what a dropped version left behind is overwritten.
 */
interface Distinct {
  readonly items: Key[]
  readonly places: Map<string | number, number>
  readonly count: number
}

function addDistinct(soFar: Distinct, next: Key): Distinct {
  const id = stateKey(next)
  const place = soFar.places.get(id)
  const known = place !== undefined && place < soFar.count && stateKey(soFar.items[place] as Key) === id
  if (known) return soFar
  soFar.items[soFar.count] = next
  soFar.places.set(id, soFar.count)
  return { items: soFar.items, places: soFar.places, count: soFar.count + 1 }
}

/** All values (default: the records), in order, as an array. All of them are kept in state. */
export function collect<V, R = V>(of?: (value: V) => R): AggregatorOf<V, R[]> {
  interface Collected {
    readonly items: R[]
    readonly count: number
  }
  const add = (soFar: Collected, next: R): Collected => {
    soFar.items[soFar.count] = next
    return { items: soFar.items, count: soFar.count + 1 }
  }
  return hide<V, R[], Collected, R>({
    kind: 'collect',
    extract: (value) => (of === undefined ? (value as unknown as R) : of(value)),
    init: () => ({ items: [], count: 0 }),
    add,
    merge: (one, other) => other.items.slice(0, other.count).reduce(add, one),
    result: (soFar) => soFar.items.slice(0, soFar.count),
    state: {
      toState: (soFar) => soFar.items.slice(0, soFar.count),
      fromState: (state) => ({ items: state as R[], count: (state as R[]).length }),
    },
  })
}

function finite(value: number, kind: string): number {
  if (Number.isFinite(value)) return value
  throw new MillraceError('validation-failed', `${kind} was given ${show(value)}, not a finite number`)
}

function comparable<T extends Comparable>(value: T, kind: string): T {
  const of = typeof value
  const fits = of === 'string' || of === 'bigint' || (of === 'number' && value === value)
  if (fits || (value instanceof Date && !Number.isNaN(value.getTime()))) return value
  throw new MillraceError('validation-failed', `${kind} was given ${show(value)}, which has no order`, {
    hint: 'give a number, bigint, string or Date',
  })
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
}
