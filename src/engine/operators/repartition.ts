/**
 * The end of a part whose output goes on under another key: appends key and value, exactly as they
 * are, to the repartition topic, at the partition of the new key. `repartition-cursor.ts` reads
 * them in the next part.
 */
import { encodeKey } from '../../core/key.ts'
import { ValueWriter } from '../../core/value-codec.ts'
import { partitionOfText } from '../../log/partitioner.ts'
import type { Outputs } from '../outputs.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, StepContext } from './operator.ts'

export function repartitionOperator(
  topic: string,
  context: StepContext,
  outputs: Outputs,
): Operator {
  const target = outputs.target(topic)
  const { partitionCount } = target.topic
  const writer = new ValueWriter()
  return {
    push: (value, key, time) => {
      context.task.running = context.step
      if (key === null) throw missingKey(context.step)
      writer.reset()
      writer.writeValue(key)
      writer.writeValue(value)
      const text = encodeKey(key)
      outputs.addTo(target, partitionOfText(text, partitionCount), text, writer.bytes(), time)
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
