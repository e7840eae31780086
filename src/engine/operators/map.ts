/** `map`: one value in, one out. Key and event time stay. */
import type { MapNode } from '../../pipeline/node.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function mapOperator(node: MapNode, context: StepContext, emit: Push): Operator {
  const { fn } = node
  const { task, step } = context
  return {
    push: (value, key, time) => {
      task.running = step
      emit(fn(value), key, time)
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
