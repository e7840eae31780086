/** Makes the nodes of `join`. What makes no sense is refused with the plan, by the step's name. */
import { durationMs, formatDuration } from '../core/duration.ts'
import { checked, refuse } from './checked.ts'
import type { StreamJoin } from './join-how.ts'
import type { JoinSpec, JoinType } from './join-spec.ts'
import type { GlobalTable, JoinedTable } from './join-types.ts'
import { lookupJoinNode } from './lookup.ts'
import type { Lookup } from './lookup.ts'
import type { Node, StepNode, StepTraits } from './node.ts'
import { sameKeyNode, stepNode } from './step-node.ts'
import { windowLabel, windowText } from './window-text.ts'

/** A stream, as far as a join with it needs to know. */
interface JoinedStream {
  readonly kind: 'stream'
  readonly node: Node
}

/** What a stream can be joined with. */
export type JoinedWith =
  | JoinedStream
  | JoinedTable<unknown, unknown>
  | GlobalTable<unknown, unknown>
  | Lookup<never, unknown>

/** Options before they are checked, of any join. */
interface Given {
  readonly type?: JoinType
  readonly lateness?: string
  readonly asOf?: string
  readonly history?: string
  readonly by?: unknown
}

const method = '.join()'

/**
 * @param args what `join` was given behind the other side
 * @throws `invalid-argument` · `invalid-duration`
 */
export function joinNode(left: Node, other: JoinedWith, args: readonly unknown[]): StepNode {
  switch (other?.kind) {
    case 'stream':
      return streamJoinNode(left, other.node, args[0] as StreamJoin, (args[1] ?? {}) as Given)
    case 'table':
      return tableJoinNode(left, other.node, (args[0] ?? {}) as Given)
    case 'global-table':
      return globalJoinNode(left, other.node, (args[0] ?? {}) as Given)
    case 'lookup':
      return lookupJoinNode(left, other, args[0] ?? {})
    default:
      throw refuse('join takes a stream, a table, a global table or a lookup', other)
  }
}

function streamJoinNode(left: Node, right: Node, how: StreamJoin, given: Given): StepNode {
  const spec = streamJoinSpec(how, given)
  const inputs = [sameKeyNode(left, 'left', method), sameKeyNode(right, 'right', method)]
  return stepNode(inputs, spec, { method, groups: true, late: true, ...streamTraits(spec) })
}

type StreamJoinSpec = Extract<JoinSpec, { kind: 'interval-join' | 'window-join' | 'as-of-join' }>

function streamJoinSpec(how: StreamJoin, given: Given): StreamJoinSpec {
  const type = typeOf(given)
  const isInterval = how?.kind === 'within'
  if (!isInterval && given.lateness !== undefined) {
    throw refuse('lateness is for within(…) alone', given.lateness)
  }
  const latenessMs = durationMs(given.lateness ?? '0ms', 'lateness')
  switch (how?.kind) {
    case 'within': {
      const { beforeMs, afterMs } = how
      return { kind: 'interval-join', type, beforeMs, afterMs, latenessMs }
    }
    case 'forever':
      return { kind: 'interval-join', type, beforeMs: Infinity, afterMs: Infinity, latenessMs: 0 }
    case 'same-window':
      return { kind: 'window-join', type, window: how.window }
    case 'as-of': {
      if (type === 'inner' || type === 'left') {
        return { kind: 'as-of-join', type, toleranceMs: how.toleranceMs }
      }
      throw refuse("join with asOf takes type 'inner' or 'left'", type)
    }
    default:
      throw refuse("join takes within('5m'), sameWindow(…) or asOf('1s')", how)
  }
}

type ShownTraits = Pick<StepTraits, 'label' | 'state' | 'settings'> & Partial<StepTraits>

function streamTraits(spec: StreamJoinSpec): ShownTraits {
  const { type } = spec
  switch (spec.kind) {
    case 'interval-join':
      return intervalTraits(spec)
    case 'window-join': {
      const window = windowText(spec.window)
      return {
        label: `join-window-${windowLabel(spec.window)}`,
        state: `rows of both sides, ${window}`,
        settings: { type, window },
      }
    }
    case 'as-of-join': {
      const tolerance = formatDuration(spec.toleranceMs)
      return {
        label: `join-as-of-${tolerance}`,
        state: `left rows until event time has passed them, right ones for ${tolerance}`,
        settings: { type, 'as of': `at most ${tolerance} older` },
      }
    }
  }
}

function intervalTraits(spec: Extract<JoinSpec, { kind: 'interval-join' }>): ShownTraits {
  const { type, beforeMs, afterMs, latenessMs } = spec
  if (beforeMs === Infinity) {
    return {
      label: 'join-forever',
      state: 'every row of both sides',
      grows: true,
      late: false,
      settings: { type, within: 'forever' },
    }
  }
  const before = formatDuration(beforeMs)
  const after = formatDuration(afterMs)
  // Rows without a partner come as late as one could; pairs, as old as the later of the two.
  const waitsMs = Math.max(
    0,
    type === 'left' || type === 'full' ? afterMs : 0,
    type === 'right' || type === 'full' ? beforeMs : 0,
  )
  const sides = beforeMs === afterMs ? before : `${before} before to ${after} after`
  return {
    label: beforeMs === afterMs ? `join-${before}` : `join-${before}-${after}`,
    state: `${type === 'inner' ? '' : 'marked '}rows of both sides, ${sides}`,
    delayMs: waitsMs + latenessMs,
    settings: {
      type,
      within: sides,
      lateness: formatDuration(latenessMs),
    },
  }
}

/** @throws `invalid-argument` for what cannot be said of a table */
function tableTypeOf(given: Given): 'inner' | 'left' {
  const type = typeOf(given)
  if (type === 'inner' || type === 'left') return type
  throw refuse("join with a table takes type 'inner' or 'left'", type)
}

function tableJoinNode(left: Node, right: Node, given: Given): StepNode {
  const type = tableTypeOf(given)
  const { asOf = 'event time', history } = given
  const inputs = [sameKeyNode(left, 'left', method), sameKeyNode(right, 'right', method)]
  const shared = { method, groups: true, looksAt: 'deletions' as const }
  if (asOf === 'latest') {
    if (history !== undefined) throw refuse("history is for asOf: 'event time'", history)
    return stepNode(
      inputs,
      { kind: 'latest-join', type },
      {
        ...shared,
        label: 'join-table',
        state: 'the rows of the table',
        settings: { type, 'as of': 'latest' },
      },
    )
  }
  if (asOf !== 'event time') throw refuse("asOf takes 'event time' or 'latest'", asOf)
  const historyMs = history === undefined ? null : durationMs(history, 'history')
  const kept = formatDuration(historyMs ?? 0)
  return stepNode(
    inputs,
    { kind: 'versioned-join', type, historyMs },
    {
      ...shared,
      late: true,
      label: 'join-table',
      state: `the rows of the table, older ones for ${kept}`,
      settings: { type, 'as of': 'event time', history: kept },
    },
  )
}

function globalJoinNode(left: Node, right: Node, given: Given): StepNode {
  const type = tableTypeOf(given)
  const by = given.by === undefined ? null : checked<unknown>(given.by, 'by')
  return stepNode(
    [left, right],
    { kind: 'global-join', type, by },
    {
      method,
      label: 'join-global',
      state: 'the whole topic, in each task',
      settings: { type, by: by === null ? "the record's key" : 'computed from the record' },
    },
  )
}

/** @throws `invalid-argument` */
export function typeOf({ type = 'inner' }: { readonly type?: JoinType }): JoinType {
  if (type === 'inner' || type === 'left' || type === 'right' || type === 'full') return type
  throw refuse("type takes 'inner', 'left', 'right' or 'full'", type)
}
