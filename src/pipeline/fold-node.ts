/** Makes the nodes of `aggregate` and `reduce`, with and without a window. */
import { durationMs } from '../core/duration.ts'
import { checked, refuse } from './checked.ts'
import type { AnyAggregator } from './aggregator.ts'
import type { AggregateNode, Node, ReduceNode } from './node.ts'
import type { WindowOptions } from './stream.ts'
import type { RunningOptions } from './table-types.ts'
import type { EmissionSpec, WindowSpec } from './window-spec.ts'

/** What records are grouped by besides their key, and when results come. */
export interface Grouping {
  readonly window: WindowSpec | null
  readonly latenessMs: number
  readonly emission: EmissionSpec
  readonly ttlMs: number | null
}

const final: EmissionSpec = { kind: 'final' }

/** @throws `invalid-argument` · `invalid-duration` */
export function runningGrouping({ ttl }: RunningOptions = {}): Grouping {
  const ttlMs = ttl === undefined ? null : durationMs(ttl, 'ttl')
  if (ttlMs !== null && ttlMs < 1) throw refuse("ttl takes at least '1ms'", ttl)
  return { window: null, latenessMs: 0, emission: final, ttlMs }
}

/** @throws `invalid-argument` · `invalid-duration` */
export function groupingOf(window: WindowSpec, options: WindowOptions): Grouping {
  if (typeof window?.kind !== 'string') {
    throw refuse("window takes a window, for instance tumbling('1m')", window)
  }
  const latenessMs = durationMs(options.lateness ?? '0ms', 'lateness')
  return { window, latenessMs, emission: emissionOf(options.emit), ttlMs: null }
}

function emissionOf(emit: WindowOptions['emit'] = 'final'): EmissionSpec {
  if (emit === 'final' || emit === 'updates') return { kind: emit }
  const everyMs = durationMs(emit?.early ?? '', 'early')
  if (everyMs < 1) throw refuse("early takes at least '1ms'", emit.early)
  return { kind: 'early', everyMs }
}

export function aggregateNode(input: Node, aggregates: object, grouping: Grouping): AggregateNode {
  return { kind: 'aggregate', input, ...grouping, fields: fieldsOf(aggregates), named: null }
}

/** @throws `invalid-argument` */
export function fieldsOf(aggregates: object): AggregateNode['fields'] {
  const given: [string, AnyAggregator][] = Object.entries(aggregates)
  return given.map(([name, aggregator]) => {
    if (typeof aggregator?.extract === 'function') return { name, aggregator }
    throw refuse(`field '${name}' takes an aggregator, for instance count()`, aggregator)
  })
}

export function reduceNode(input: Node, given: unknown, grouping: Grouping): ReduceNode {
  const fn = checked(given, 'reduce') as ReduceNode['fn']
  return { kind: 'reduce', input, ...grouping, fn, named: null }
}
