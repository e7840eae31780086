/**
 * `to`: appends each record to a topic, in the task's next commit. Key: from the topic's key
 * function, else the stream's key; partition: of the key as Kafka's default partitioner has it,
 * without key that of the record in hand, so that a run can be replayed; record time: the event
 * time. On a compacted topic null and undefined are tombstones. Of a table, the new row of each
 * change is written, or, on any topic, a tombstone under the table's key. In the outbox of a sink a
 * header says of which type the key is.
 */
import { encodeKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { keyTypeHeaders } from '../../pipeline/key-type-header.ts'
import { partitionOfText } from '../../log/partitioner.ts'
import type { ToNode } from '../../pipeline/node.ts'
import type { Outputs } from '../outputs.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, StepContext } from './operator.ts'
import type { TableChange } from './table-change.ts'

export function toOperator(node: ToNode, context: StepContext, outputs: Outputs): Operator {
  const { topic: spec, isTable, sink } = node
  const { task, step, originPartition } = context
  const target = outputs.target(spec.name)
  const { partitionCount } = target.topic
  const keyOf = typeof spec.key === 'function' ? spec.key : null
  return {
    push: (given, streamKey, time) => {
      task.running = step
      const value = isTable ? (given as TableChange).after : given
      const isNothing = value === null || value === undefined
      const key: Key | null = keyOf === null || (isTable && isNothing) ? streamKey : keyOf(value)
      const text = key === null || key === undefined ? null : encodeKey(key)
      if (text === null && target.topic.compact) throw missingKey(step)
      let partition = 0
      if (partitionCount > 1) {
        partition =
          text === null ? originPartition() % partitionCount : partitionOfText(text, partitionCount)
      }
      const tombstone = isNothing && (spec.compact || isTable)
      const bytes = tombstone ? null : spec.codec.encode(value)
      const headers = sink === null || key === null ? undefined : keyTypeHeaders(key)
      outputs.addTo(target, partition, text, bytes, time, headers)
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
