/**
 * Patterns: what to look for in the records of one key (complex event processing, after Flink CEP's
 * contiguities and SQL's MATCH_RECOGNIZE).
 *
 * A key's records are looked at in order of event time, those of equal time in order of arrival. A
 * match takes events for the parts of the pattern in the order of the parts, each event once. What
 * may lie between an event of the match and the next one is said before each part:
 *
 * - `then`: nothing; the event follows directly (of those of the same key).
 * - `followedBy`: events that do not fit the part; the first one that fits is taken.
 * - `followedByAny`: anything; each event that fits gives a match of its own.
 *
 * Where a part is left out (it is optional), the next one's own word counts, from the last event
 * taken before.
 */
import { makePattern } from './patterns/build-pattern.ts'
import type { PatternStart } from './patterns/pattern-value.ts'

/**
 * The beginning of a pattern over values `V`. Inside `stream.match((p) => …)` the type comes from
 * the stream.
 * @example
 * pattern<{ ok: boolean }>()
 *   .some('failures', (l) => !l.ok, { atLeast: 3, between: 'then' })
 *   .then.one('success', (l) => l.ok)
 *   .within('5m')
 */
export function pattern<V>(): PatternStart<V> {
  return makePattern<V>()
}
