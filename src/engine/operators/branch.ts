/**
 * `branch`: each record goes to the output of the first case whose function gives something truthy,
 * else to the last output, `rest`.
 */
import type { BranchNode } from '../../pipeline/node.ts'
import type { Operator, Push, StepContext } from './operator.ts'

/** @param outputs one for each case, in order, then the one for `rest` */
export function branchOperator(
  node: BranchNode,
  context: StepContext,
  outputs: readonly Push[],
): Operator {
  const { cases } = node
  const { task, step } = context
  return {
    push: (value, key, time) => {
      task.running = step
      let at = 0
      while (at < cases.length && !(cases[at] as { fn: (value: unknown) => unknown }).fn(value))
        at += 1
      ;(outputs[at] as Push)(value, key, time)
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
