/** `min` and `max`: of numbers, bigints, strings or Dates, by `<`. */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, needsFunction, unfit } from './aggregator-of.ts'
import { countedAggregator } from './counted.ts'
import { least } from './ordered-tree.ts'

/** What `min` and `max` compare. */
export type Ordered = number | bigint | string | Date

/**
 * The smallest value; of equal ones the first that came. Numbers, bigints and Dates by size,
 * strings by UTF-16 code units (`<`). Should a key's values be of different types: numbers and
 * bigints before Dates before strings. A record that gives NaN, an invalid Date or another type
 * goes to the dead letters. Over a table every different value is kept, with how often it is there;
 * of equal ones the result is then any: a bigint before a number, −0 before 0.
 * @example
 * from(readings).window(tumbling('1m')).aggregate({ coldest: min((r) => r.celsius) })
 */
export function min<V, N extends Ordered>(fn: (value: V) => N): AggregatorOf<V, N> {
  return extreme('min', fn, (candidate, kept) => isLess(candidate, kept))
}

/**
 * The largest value; of equal ones the first that came. Compares and keeps as `min` does. A record
 * that gives NaN, an invalid Date or a type that has no order goes to the dead letters.
 * @example
 * from(readings).window(tumbling('1m')).aggregate({ hottest: max((r) => r.celsius) })
 */
export function max<V, N extends Ordered>(fn: (value: V) => N): AggregatorOf<V, N> {
  return extreme('max', fn, (candidate, kept) => isLess(kept, candidate))
}

function extreme<V, N extends Ordered>(
  kind: string,
  fn: (value: V) => N,
  replaces: (candidate: N, kept: N) => boolean,
): AggregatorOf<V, N> {
  needsFunction(kind, fn)
  const better = (candidate: N, kept: N | undefined): N =>
    kept === undefined || replaces(candidate, kept) ? candidate : kept
  return aggregatorOf<V, N, N | undefined, N>({
    kind,
    extract: (value) => ordered(kind, fn(value)),
    init: () => undefined,
    add: (accumulator, extracted) => better(extracted, accumulator),
    merge: (first, second) => (second === undefined ? first : better(second, first)),
    retract: null,
    retracting: countedAggregator<V, N, N>({
      kind,
      extract: (value) => ordered(kind, fn(value)),
      compare: (a, b) => compareStrictly(a, b, replaces),
      // Never undefined: as below.
      result: (values) => least(values)?.value as N,
    }),
    // Never undefined: a result is asked for after a record only.
    result: (accumulator) => accumulator as N,
    state: null,
  })
}

/** Best first. What is equal by size has an order, too: of types, then −0 before 0. */
function compareStrictly<N extends Ordered>(
  a: N,
  b: N,
  replaces: (candidate: N, kept: N) => boolean,
): number {
  if (replaces(a, b)) return -1
  if (replaces(b, a)) return 1
  if (typeof a !== typeof b) return typeof a === 'bigint' ? -1 : 1
  return Number(Object.is(b, -0)) - Number(Object.is(a, -0))
}

export function ordered<N extends Ordered>(kind: string, value: N): N {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return value
    case 'number':
      if (value === value) return value
      break
    default:
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value
  }
  throw unfit(kind, value, 'numbers, bigints, strings or valid Dates')
}

/** An order over whatever `ordered` lets through, so that `add` cannot throw. */
export function isLess(a: Ordered, b: Ordered): boolean {
  return typeof a === typeof b ? a < b : rank(a) < rank(b) || (rank(a) === rank(b) && a < b)
}

function rank(value: Ordered): number {
  if (typeof value === 'string') return 2
  return typeof value === 'object' ? 1 : 0
}
