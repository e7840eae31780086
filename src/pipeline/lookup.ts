/** `lookup`: the side of a join that lies outside, found key by key. */
import { durationMs, formatDuration } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import type { Key } from '../core/key.ts'
import { checked, refuse } from './checked.ts'
import { callSpec, callText } from './map-async.ts'
import type { CallOptions } from './map-async.ts'
import type { LookupJoinSpec } from './map-async-spec.ts'
import type { Node, StepNode } from './node.ts'
import { stepNode } from './step-node.ts'

/** Which rows found lately are used again. */
export interface LookupCacheOptions {
  /** Rows that each task keeps, those used last; from 0 (none). Default 10,000. */
  readonly entries?: number
  /**
   * How long a row is used, of the wall clock; `'forever'`: as long as it is kept. Default `'1m'`.
   */
  readonly ttl?: Duration | 'forever'
  /** The same for a key that has no row; `'0ms'`: it is asked for each time. Default: `ttl`. */
  readonly missTtl?: Duration | 'forever'
}

export interface LookupOptions<V, K2> extends CallOptions {
  /** The key whose row a record meets; null: none. */
  readonly by: (value: V) => K2 | null | undefined
  readonly cache?: LookupCacheOptions
}

/** What the function of `lookup` is told beside the key. */
export interface LookupInfo {
  /** Aborted at the timeout, and when the task ends. */
  readonly signal: AbortSignal
  /** 1, 2, … */
  readonly attempt: number
}

/** Made by `lookup`: rows outside, for `join`. */
export interface Lookup<in V, out W> {
  readonly kind: 'lookup'
  readonly spec: Omit<LookupJoinSpec, 'kind' | 'type'>
  /** Never there at run time; carries the types. */
  readonly '~types'?: { readonly value: (value: V) => void; readonly row: W } | undefined
}

/**
 * For `join`: rows of something outside (a database, a service), found by a function, key by key.
 *
 * Results come in the order of the records. A key is asked for once at a time, whoever waits for
 * it; rows found are kept in a cache. A record whose call fails, after the repeats, or takes too
 * long goes to `<topic>.dead`, and so do those that wait for the same call; a failure is not kept.
 * A commit waits for the calls under way. The cache is no state: a record that is processed again
 * after a crash may meet another row than before.
 * @param fn finds the row of a key; null or undefined: there is none
 * @param options `by`: the key of a record; how calls are made and rows are kept
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const names = new Map([['c1', 'Ada']])
 * const customer = lookup(async (id: string) => names.get(id), {
 *   by: (order: { customer: string }) => order.customer,
 *   cache: { entries: 1_000, ttl: '10m' },
 * })
 * from(orders).join(customer, { type: 'left' })
 */
export function lookup<V, K2 extends Key, W>(
  fn: (key: K2, info: LookupInfo) => Promise<W> | W,
  options: LookupOptions<V, K2>,
): Lookup<V, NonNullable<W>> {
  const cache = options.cache ?? {}
  const { entries: entriesMax = 10_000, ttl = '1m', missTtl = ttl } = cache
  if (!Number.isInteger(entriesMax) || entriesMax < 0) {
    throw refuse('cache.entries of lookup is a whole number from 0', entriesMax)
  }
  const call = checked(fn, 'lookup') as unknown as LookupJoinSpec['fn']
  const by = checked(options.by, 'by of lookup')
  const kept = { entriesMax, ttlMs: keptMs(ttl, 'ttl'), missTtlMs: keptMs(missTtl, 'missTtl') }
  return {
    kind: 'lookup',
    spec: { calls: callSpec(options, 'lookup'), fn: call, by, cache: kept },
  }
}

function keptMs(text: Duration | 'forever', name: string): number {
  return text === 'forever' ? Number.POSITIVE_INFINITY : durationMs(text, name)
}

/** @throws `invalid-argument` */
export function lookupJoinNode(
  input: Node,
  { spec }: Lookup<never, unknown>,
  options: { readonly type?: string } = {},
): StepNode {
  const { type = 'inner' } = options
  if (type !== 'inner' && type !== 'left') {
    throw refuse("join with a lookup takes type 'inner' or 'left'", type)
  }
  const { entriesMax, ttlMs } = spec.cache
  const kept = ttlMs === Infinity ? 'as long as there is room' : formatDuration(ttlMs)
  const cache = entriesMax === 0 ? 'none' : `${entriesMax} rows, ${kept}`
  return stepNode(
    [input],
    { kind: 'lookup-join', type, ...spec },
    {
      label: 'join-lookup',
      method: '.join()',
      asynchronous: true,
      settings: { type, ...callText(spec.calls), cache },
    },
  )
}
