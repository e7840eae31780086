/** `globalTable`: a topic that every task holds whole, to be joined with by any key. */
import type { Key } from '../core/key.ts'
import { refuse, specOf } from './checked.ts'
import type { GlobalTable } from './join-types.ts'
import type { Topic } from './topic.ts'

/**
 * A topic as a table that each task holds whole: its newest record of each key, null deletes. For
 * `join`, by any key that can be computed from a record; nothing has to move for it. As Kafka
 * Streams' GlobalKTable.
 *
 * For small topics: with `tasks: 'per-partition'` there are as many copies as tasks. All that lies
 * in the topic is read before other inputs; what comes later is taken as it comes, regardless of
 * event time, and does not hold event time back.
 * @param topic has a key
 * @throws `invalid-argument` where `topic` is no topic, or has no key
 * @example
 * const rates = globalTable(topic('rates', { codec: json<{ eur: number }>(), key: 'record' }))
 * from(orders).join(rates, { by: (order) => order.currency })
 */
export function globalTable<W, K extends Key>(topic: Topic<W, K>): GlobalTable<W, K> {
  const spec = specOf(topic, 'globalTable')
  if (spec.key === null) throw refuse('globalTable takes a topic with a key', spec.name)
  return {
    kind: 'global-table',
    node: { kind: 'source', topic: spec, scope: 'global', named: null },
  }
}
