/** What the operators of all kinds of windows are made of. */
import type { AggregateNode, ReduceNode } from '../../pipeline/node.ts'
import type { WindowSpec } from '../../pipeline/window-spec.ts'
import type { Fold } from '../operators/fold.ts'
import type { StepContext } from '../operators/operator.ts'
import type { WindowClock } from './window-clock.ts'
import type { WindowResults } from './window-results.ts'

export type WindowNode = (AggregateNode | ReduceNode) & { readonly window: WindowSpec }

export interface WindowStep {
  readonly node: WindowNode
  readonly fold: Fold
  readonly results: WindowResults
  readonly clock: WindowClock
  readonly context: StepContext
}
