/**
 * One side of a join: passes records on as they are. It is a step of its own so that a plan can
 * send that side through a repartition topic where the two would not meet else.
 */
import type { Operator, Push } from './operator.ts'

export function sameKeyOperator(emit: Push): Operator {
  return { push: emit, second: null, stateful: null, asynchronous: null }
}
