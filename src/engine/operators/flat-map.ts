/**
 * `flatMap`: one value in, any number out, in the order the function gives them. Key and event time
 * stay.
 */
import type { FlatMapNode } from '../../pipeline/node.ts'
import type { Operator, Push, StepContext } from './operator.ts'

export function flatMapOperator(node: FlatMapNode, context: StepContext, emit: Push): Operator {
  const { fn } = node
  const { task, step } = context
  return {
    push: (value, key, time) => {
      task.running = step
      const results = fn(value)
      if (Array.isArray(results)) {
        for (let i = 0; i < results.length; i++) emit(results[i], key, time)
        return
      }
      // A generator runs the user's code between two results, and is closed when a later step
      // throws.
      for (const result of results) {
        emit(result, key, time)
        task.running = step
      }
    },
    second: null,
    asynchronous: null,
    stateful: null,
  }
}
