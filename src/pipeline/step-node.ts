/** Makes nodes of kind `step`. */
import type { Node, StepNode, StepTraits } from './node.ts'
import type { StepSpec } from './step-spec.ts'

/** A step that keeps nothing and needs no key; each operator says what is otherwise. */
const plain: Omit<StepTraits, 'label' | 'method'> = {
  groups: false,
  rekeys: false,
  state: null,
  grows: false,
  late: false,
  delayMs: 0,
  asynchronous: false,
  looksAt: 'before',
  settings: {},
}

/** What must be said of every step, and what differs from a plain one. */
export type Traits = Pick<StepTraits, 'label' | 'method'> & Partial<StepTraits>

export function stepNode(inputs: readonly Node[], spec: StepSpec, traits: Traits): StepNode {
  return { kind: 'step', inputs, spec, traits: { ...plain, ...traits }, named: null }
}

/** One side of a join. */
export function sameKeyNode(input: Node, side: 'left' | 'right', method: string): StepNode {
  return stepNode([input], { kind: 'same-key' }, { label: side, method, looksAt: 'as readers' })
}
