/** `count`: how many records. */
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf } from './aggregator-of.ts'

/**
 * How many records there were.
 * @example
 * from(words).window(tumbling('1m')).aggregate({ words: count() })
 */
export function count(): AggregatorOf<unknown, number> {
  return aggregatorOf<unknown, number, number, null>({
    kind: 'count',
    extract: () => null,
    init: () => 0,
    add: (accumulator) => accumulator + 1,
    merge: (first, second) => first + second,
    retract: (accumulator) => accumulator - 1,
    retracting: null,
    result: (accumulator) => accumulator,
    state: null,
  })
}
