/**
 * `split`: each record goes to one of n outputs, chosen by its key as a partition would be, so that
 * all records of one key take the same way. The text is not the partition's own: records of one
 * partition go all ways.
 */
import { encodeKey } from '../../core/key.ts'
import { partitionOfText } from '../../log/partitioner.ts'
import type { SplitSpec } from '../../pipeline/step-spec.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, StepContext, StepOutputs } from './operator.ts'

export function splitOperator(
  { count }: SplitSpec,
  { task, step }: StepContext,
  outputs: StepOutputs,
): Operator {
  // As `splitNodes` names them.
  const targets = Array.from({ length: count }, (_, i) => outputs.named(`split-${i}`))
  return {
    push: (value, key, time) => {
      task.running = step
      if (key === null) throw missingKey(step)
      targets[partitionOfText(`${encodeKey(key)}#`, count)]?.(value, key, time)
    },
    second: null,
    stateful: null,
    asynchronous: null,
  }
}
