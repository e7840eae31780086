/**
 * How `aggregate` and `reduce` fold records: what is kept for a key, and the result made of it. The
 * kept value is persistent (`add` leaves the one before valid) and does not change when a user's
 * function throws.
 */
import type { Key } from '../../core/key.ts'
import type { AnyAggregator } from '../../pipeline/aggregator.ts'
import type { AggregateNode, ReduceNode } from '../../pipeline/node.ts'
import type { Window } from '../../pipeline/window.ts'
import { assert, unreachable } from '../../core/assert.ts'

/** The window of a result, as users see it. */
export type ResultWindow = Window

export interface Fold {
  first(value: unknown): unknown
  add(kept: unknown, value: unknown): unknown
  /** Joins two kept values, `first` holding the earlier records. Both stay valid. */
  merge(first: unknown, second: unknown): unknown
  result(key: Key, kept: unknown, window: ResultWindow | null): unknown
  toState(kept: unknown): unknown
  fromState(state: unknown): unknown
}

export function foldOf(node: AggregateNode | ReduceNode): Fold {
  if (node.kind === 'reduce') return reduceFold(node)
  if (node.kind === 'aggregate') {
    const only = node.fields.length === 1 ? node.fields[0] : undefined
    return only === undefined ? aggregateFold(node) : singleFold(only.name, only.aggregator)
  }
  return unreachable(node)
}

function reduceFold({ fn }: ReduceNode): Fold {
  return {
    first: (value) => value,
    add: (kept, value) => fn(kept, value),
    merge: (first, second) => fn(first, second),
    result: (key, kept, window) =>
      window === null ? { key, value: kept } : { key, window, value: kept },
    toState: (kept) => kept,
    fromState: (state) => state,
  }
}

/** One field: the accumulator itself is kept, nothing is allocated around it. */
function singleFold(name: string, aggregator: AnyAggregator): Fold {
  const { state } = aggregator
  return {
    first: (value) => {
      const extracted = aggregator.extract(value)
      return aggregator.add(aggregator.init(), extracted)
    },
    add: (kept, value) => aggregator.add(kept, aggregator.extract(value)),
    merge: (first, second) => merged(aggregator, first, second),
    result: (key, kept, window) => {
      const field = aggregator.result(kept)
      return window === null ? { key, [name]: field } : { key, window, [name]: field }
    },
    toState: (kept) => (state === null ? kept : state.toState(kept)),
    fromState: (kept) => (state === null ? kept : state.fromState(kept)),
  }
}

/** The plan has refused windows that merge aggregators which cannot. */
function merged({ kind, merge }: AnyAggregator, first: unknown, second: unknown): unknown {
  assert(merge !== null, () => `aggregator ${kind} does not merge`)
  return merge(first, second)
}

function aggregateFold({ fields }: AggregateNode): Fold {
  const aggregators = fields.map((field) => field.aggregator)
  const count = aggregators.length
  // All that the user's functions give is collected before anything changes: a throw leaves the
  // kept value as it was.
  const extracted: unknown[] = Array.from({ length: count })
  const add = (kept: readonly unknown[], value: unknown): unknown[] => {
    for (let i = 0; i < count; i++) extracted[i] = (aggregators[i] as AnyAggregator).extract(value)
    const next = kept.slice() // quicker than a new array of that length
    for (let i = 0; i < count; i++)
      next[i] = (aggregators[i] as AnyAggregator).add(kept[i], extracted[i])
    return next
  }
  const convert = (kept: readonly unknown[], direction: 'toState' | 'fromState'): unknown[] =>
    kept.map((accumulator, i) => {
      const state = aggregators[i]?.state ?? null
      return state === null ? accumulator : state[direction](accumulator)
    })
  return {
    first: (value) =>
      add(
        aggregators.map((aggregator) => aggregator.init()),
        value,
      ),
    add: (kept, value) => add(kept as readonly unknown[], value),
    merge: (first, second) =>
      aggregators.map((aggregator, i) =>
        merged(aggregator, (first as readonly unknown[])[i], (second as readonly unknown[])[i]),
      ),
    result: (key, kept, window) => {
      const row: Record<string, unknown> = window === null ? { key } : { key, window }
      for (let i = 0; i < count; i++) {
        const { name, aggregator } = fields[i] as AggregateNode['fields'][number]
        row[name] = aggregator.result((kept as readonly unknown[])[i])
      }
      return row
    },
    toState: (kept) => convert(kept as readonly unknown[], 'toState'),
    fromState: (state) => convert(state as readonly unknown[], 'fromState'),
  }
}
