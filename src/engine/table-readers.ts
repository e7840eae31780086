/**
 * What those behind a table look at. Steps that make tables do without what nobody looks at: the
 * row before a change costs a look at old state, or even keeping it.
 */
import type { Node, TableLooks } from '../pipeline/node.ts'
import type { PlanPart } from '../pipeline/plan.ts'

export type Looks = Exclude<TableLooks, 'as readers' | 'as readers, filtered'>

/** Of each step, those that read from it, and whether others do that are in another part. */
export interface Readers {
  of(step: string): readonly { readonly name: string; readonly node: Node }[]
  leaves(step: string): boolean
}

/** What is looked at of a table's changes that this step gives. */
export function looksAt(step: string, readers: Readers): Looks {
  if (readers.leaves(step)) return 'before'
  let most: Looks = 'rows'
  for (const { name, node } of readers.of(step)) {
    const looks = looksOf(name, node, readers)
    if (looks === 'before') return 'before'
    if (looks === 'deletions') most = looks
  }
  return most
}

function looksOf(name: string, node: Node, readers: Readers): Looks {
  if (node.kind === 'to') return node.isTable ? 'deletions' : 'before'
  if (node.kind !== 'step') return 'before'
  const { looksAt: looks } = node.traits
  if (looks === 'as readers') return looksAt(name, readers)
  if (looks !== 'as readers, filtered') return looks
  return looksAt(name, readers) === 'rows' ? 'rows' : 'before'
}

/** Whether a step takes records as rows of a table: null deletes one. */
export function isTable(node: Node): boolean {
  return node.kind === 'step' && node.spec.kind === 'to-table'
}

/**
 * Whether event time matters where no step goes by it: for those behind a repartition topic, and
 * for a tombstone, which is not ahead of what its input has read.
 */
export function needsTime(options: {
  readonly part: PlanPart
  readonly inputs: readonly { readonly step: string }[]
}): boolean {
  const { part, inputs } = options
  return part.repartitions.length > 0 || inputs.some(({ step }) => hasTable(part, step))
}

/** Whether one of a source's readers is a table. */
export function hasTable(part: PlanPart, source: string): boolean {
  return part.steps.some(({ node, inputs }) => isTable(node) && inputs.includes(source))
}
