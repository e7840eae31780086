/** Makes the nodes of tables. What makes no sense is refused here, or with the plan. */
import type { Key } from '../core/key.ts'
import { ordered } from './aggregators/extreme.ts'
import { checked, refuse } from './checked.ts'
import { fieldsOf } from './fold-node.ts'
import { typeOf } from './join-node.ts'
import type { Node, StepNode } from './node.ts'
import { sameKeyNode, stepNode } from './step-node.ts'
import { retractingOf } from './table-check.ts'
import type { RankedRow, TopOrder } from './table-spec.ts'

/** A table, as far as its nodes need to know. */
interface Joined {
  readonly kind: 'table'
  readonly node: Node
}

export function toTableNode(input: Node, method: string): StepNode {
  const state = 'the row of each key, where a step looks at what was before a change'
  return stepNode([input], { kind: 'to-table' }, { method, label: 'table', groups: true, state })
}

export function tableMapNode(input: Node, fn: unknown): StepNode {
  const method = '.map()'
  return stepNode(
    [input],
    { kind: 'table-map', fn: checked(fn, 'map') },
    { method, label: 'map', looksAt: 'as readers' },
  )
}

export function tableFilterNode(input: Node, given: unknown): StepNode {
  const fn = checked<unknown>(given, 'filter')
  return stepNode(
    [input],
    { kind: 'table-filter', fn },
    { method: '.filter()', label: 'filter', looksAt: 'as readers, filtered' },
  )
}

export function tableRowsNode(input: Node): StepNode {
  const traits = { method: '.toStream()', label: 'rows', looksAt: 'rows' as const }
  return stepNode([input], { kind: 'table-rows' }, traits)
}

export function tableChangesNode(input: Node): StepNode {
  const traits = { method: '.changes()', label: 'changes' }
  return stepNode([input], { kind: 'table-changes' }, traits)
}

/** By key. @throws `invalid-argument` */
export function tableJoinNode(left: Node, right: Joined, options: object): StepNode {
  const method = '.join()'
  const type = typeOf(options)
  const inputs = [sameKeyNode(left, 'left', method), sameKeyNode(right.node, 'right', method)]
  return stepNode(
    inputs,
    { kind: 'table-join', type },
    {
      method,
      label: 'join-tables',
      groups: true,
      looksAt: 'deletions',
      state: 'the rows of both tables',
      settings: { type },
    },
  )
}

/** @throws `invalid-argument` for what is no table */
export function checkedTable(other: Joined): Joined {
  if (other?.kind === 'table') return other
  throw refuse('a table is joined with a table', other)
}

/** @throws `invalid-argument` */
export function groupByFn(fn: unknown): (row: unknown) => Key {
  return checked<Key>(fn, 'groupBy')
}

function regroupNode(
  input: Node,
  by: (row: unknown) => Key,
  extract: (row: unknown, key: Key) => unknown,
): StepNode {
  const spec = { kind: 'regroup' as const, by, extract }
  return stepNode([input], spec, { method: '.groupBy()', label: 'group-by', rekeys: true })
}

/** `groupBy(by).aggregate(aggregates)`. @throws `invalid-argument` */
export function tableFoldNode(input: Node, by: (row: unknown) => Key, aggregates: object): Node {
  const fields = fieldsOf(aggregates)
  // What cannot take rows back is refused with the plan, by the step's name.
  const used = fields.map(({ aggregator }) => retractingOf(aggregator) ?? aggregator)
  const extract = (row: unknown): readonly unknown[] =>
    used.map((aggregator) => aggregator.extract(row))
  const names = fields.map(({ name, aggregator }) => `${name} = ${aggregator.kind}`).join(', ')
  return stepNode(
    [regroupNode(input, by, extract)],
    { kind: 'table-fold', fields },
    {
      method: '.aggregate()',
      label: 'aggregate',
      groups: true,
      // State of other fields is another state.
      state: `of each group with rows ${names}`,
      settings: { fields: names },
    },
  )
}

/** `groupBy(by).topN(n, options)`. @throws `invalid-argument` */
export function tableTopNNode(
  input: Node,
  by: (row: unknown) => Key,
  top: { readonly n: number; readonly by: (row: unknown) => unknown; readonly order: TopOrder },
): Node {
  const { n, order } = top
  const extract = (row: unknown, key: Key): RankedRow => [
    key,
    ordered('topN', top.by(row) as number),
    row,
  ]
  return stepNode(
    [regroupNode(input, by, extract)],
    { kind: 'table-top-n', n, order },
    {
      method: '.topN()',
      label: `top-${n}`,
      groups: true,
      state: 'all rows of each group',
      settings: { n: String(n), order },
    },
  )
}
