/** `table`: a topic read as a table. */
import type { Key } from '../core/key.ts'
import { refuse, specOf } from './checked.ts'
import { tableOf } from './from.ts'
import type { SourceNode } from './node.ts'
import type { Table } from './stream.ts'
import { toTableNode } from './table-node.ts'
import type { Topic } from './topic.ts'

/**
 * A topic as a table: the newest record of each key, in order of arrival, is its row; one without
 * value (a tombstone) deletes it. As Kafka Streams' KTable.
 *
 * A tombstone has nothing to compute a key or an event time from: its key is the record's own, its
 * event time the record's, but not ahead of what has been read. Streams from the same topic in the
 * same pipeline do not get to see it. Rows are kept in state where a step looks at what was before
 * a change.
 * @param topic has a key
 * @returns a table; a change has the event time of the record that caused it
 * @throws `invalid-argument` where `topic` is no topic, or has no key
 * @example
 * const customers = table(topic('customers', { codec: json<{ name: string }>(), key: 'record' }))
 * from(orders).keyBy((order) => order.customer).join(customers, { type: 'left' })
 */
export function table<V, K extends Key>(topic: Topic<V, K>): Table<V, K> {
  const spec = specOf(topic, 'table')
  if (spec.key === null) throw refuse('table takes a topic with a key', spec.name)
  const source: SourceNode = { kind: 'source', topic: spec, scope: 'partitioned', named: null }
  return tableOf(toTableNode(source, 'table()'))
}
