/** Makes the nodes of `topN`, `dedupe` and `changes` of streams. */
import { durationMs, formatDuration } from '../core/duration.ts'
import { needsNumber } from './aggregators/aggregator-of.ts'
import type { Ordered } from './aggregators/extreme.ts'
import { checked, refuse } from './checked.ts'
import type { Node, StepNode } from './node.ts'
import { stepNode } from './step-node.ts'
import type { TopOrder } from './table-spec.ts'

/** Of `topN`: a key's first values lie in one entry of its state. */
const topMax = 1000

export interface TopSettings {
  readonly n: number
  readonly by: (value: unknown) => Ordered
  readonly order: TopOrder
}

/** @throws `invalid-argument` */
export function topSettings(n: number, given: { by?: unknown; order?: unknown }): TopSettings {
  needsNumber('topN', n, { min: 1, max: topMax, isWhole: true })
  const { by, order = 'desc' } = given ?? {}
  if (order !== 'desc' && order !== 'asc') throw refuse("order takes 'desc' or 'asc'", order)
  return { n, by: checked<Ordered>(by, 'by'), order }
}

export function topNNode(input: Node, { n, by, order }: TopSettings): StepNode {
  return stepNode(
    [input],
    { kind: 'top-n', n, by, order },
    {
      method: '.topN()',
      label: `top-${n}`,
      groups: true,
      state: `the first ${n} of each key`,
      grows: true,
      settings: { n: String(n), order },
    },
  )
}

/** @throws `invalid-argument` · `invalid-duration` */
export function dedupeNode(input: Node, given: { within?: unknown; by?: unknown }): StepNode {
  const { within, by } = given ?? {}
  const withinMs = durationMs(String(within), 'within')
  if (withinMs < 1) throw refuse("within takes at least '1ms'", within)
  const text = formatDuration(withinMs)
  return stepNode(
    [input],
    { kind: 'dedupe', by: by === undefined ? null : checked(by, 'by'), withinMs },
    {
      method: '.dedupe()',
      label: `dedupe-${text}`,
      groups: true,
      state: `times of first records, for twice ${text}`,
      late: true,
      settings: { within: text, by: by === undefined ? 'the key' : 'the key and of the value' },
    },
  )
}

/** @throws `invalid-argument` */
export function changesNode(input: Node, of: unknown): StepNode {
  return stepNode(
    [input],
    { kind: 'changes', of: of === undefined ? null : checked(of, 'changes') },
    {
      method: '.changes()',
      label: 'changes',
      groups: true,
      state: 'the last record given of each key',
      grows: true,
      settings: { of: of === undefined ? 'the value' : 'computed from the value' },
    },
  )
}
