/**
 * `forEach`: calls a function for its effect. At least once: after a crash, records since the last
 * commit come again.
 */
import type { ForEachNode } from '../../pipeline/node.ts'
import type { Operator, StepContext } from './operator.ts'

export function forEachOperator(node: ForEachNode, context: StepContext): Operator {
  const { fn } = node
  const { task, step } = context
  return {
    push: (value, key, time) => {
      task.running = step
      fn(value, { key, time })
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
