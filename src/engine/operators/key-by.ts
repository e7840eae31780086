/** `keyBy`: gives the record another key. Value and event time stay. */
import { stateKey } from '../../core/key.ts'
import type { KeyByNode } from '../../pipeline/node.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function keyByOperator(node: KeyByNode, context: StepContext, emit: Push): Operator {
  const { fn } = node
  const { task, step } = context
  return {
    push: (value, _key, time) => {
      task.running = step
      const key = fn(value)
      if (typeof key !== 'string') stateKey(key) // throws for what is no key
      emit(value, key, time)
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
