/** The operator of each kind of step: one line a kind. */
import { unreachable } from '../../core/assert.ts'
import type { StepSpec } from '../../pipeline/step-spec.ts'
import type { Operator, StepContext, StepOutputs } from './operator.ts'
import { sameKeyOperator } from './same-key.ts'
import { splitOperator } from './split.ts'

export function stepOperator(spec: StepSpec, context: StepContext, outputs: StepOutputs): Operator {
  switch (spec.kind) {
    case 'same-key':
      return sameKeyOperator(outputs.main)
    case 'split':
      return splitOperator(spec, context, outputs)
    default:
      return unreachable(spec)
  }
}
