/** `filter`: passes on the records for which the function gives something truthy. */
import type { FilterNode } from '../../pipeline/node.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function filterOperator(node: FilterNode, context: StepContext, emit: Push): Operator {
  const { fn } = node
  const { task, step } = context
  return {
    push: (value, key, time) => {
      task.running = step
      if (fn(value)) emit(value, key, time)
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
