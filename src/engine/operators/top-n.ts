/**
 * `topN` of a stream: the first n records of each key so far, best first; of records that are
 * ordered alike the one that came first. A change comes when the first n have changed. Never late.
 *
 * Store: `<step>`: key → the records, n at most. It grows with the number of keys.
 */
import type { Key } from '../../core/key.ts'
import { isLess, ordered } from '../../pipeline/aggregators/extreme.ts'
import type { Ordered } from '../../pipeline/aggregators/extreme.ts'
import type { TopNSpec } from '../../pipeline/table-spec.ts'
import { absent } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { same } from './table-change.ts'

export function topNOperator(spec: TopNSpec, context: StepContext, emit: Push): Operator {
  const { task, step, wantsBefore } = context
  const { n } = spec
  const store = context.store({ toState: same, fromState: same })
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = store.namespace(0)
    const entry = store.find(keys, key)
    const by = ordered('topN', spec.by(value))
    if (entry === undefined || entry.value === absent) {
      const first = [value]
      if (entry === undefined) store.make(keys, key, first)
      else store.write(entry, first)
      emit({ before: null, after: { key, top: [value] } }, key, time)
      return
    }
    const top = entry.value as readonly unknown[]
    const at = placeOf(top, by, spec)
    if (at >= n) return
    const now = inserted(top, at, value, n)
    store.write(entry, now)
    const before = wantsBefore ? { key, top: top.slice() } : null
    // What is kept is not given out: users may change what they get.
    emit({ before, after: { key, top: now.slice() } }, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

/** Behind all that are better or as good; the number of records where none is worse. */
function placeOf(top: readonly unknown[], by: Ordered, { by: byOf, order }: TopNSpec): number {
  let from = 0
  let to = top.length
  // Most records are worse than the last.
  if (!isBetter(by, byOf(top[to - 1]), order)) return to
  to -= 1
  while (from < to) {
    const middle = (from + to) >>> 1
    if (isBetter(by, byOf(top[middle]), order)) to = middle
    else from = middle + 1
  }
  return from
}

function isBetter(a: Ordered, b: Ordered, order: TopNSpec['order']): boolean {
  return order === 'desc' ? isLess(b, a) : isLess(a, b)
}

function inserted(top: readonly unknown[], at: number, value: unknown, n: number): unknown[] {
  const length = Math.min(top.length + 1, n)
  const now: unknown[] = top.slice(0, at)
  now.push(value)
  for (let i = at; now.length < length; i++) now.push(top[i])
  return now
}
