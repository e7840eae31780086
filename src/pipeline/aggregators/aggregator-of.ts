/**
 * Where an aggregator's inner types are closed in: whoever folds passes accumulators back as it got
 * them.
 */
import { MillraceError } from '../../core/error.ts'
import type { Aggregator, AggregatorOf } from '../aggregator.ts'

export function aggregatorOf<V, R, A, E>(parts: Aggregator<V, R, A, E>): AggregatorOf<V, R> {
  return parts as unknown as AggregatorOf<V, R>
}

/** For `extract`: the record goes to the dead letters with this. */
export function unfit(kind: string, value: unknown, wanted: string): MillraceError {
  const type = value === null ? 'null' : typeof value
  const shown = type === 'number' || type === 'undefined' || type === 'null' ? String(value) : type
  return new MillraceError('step-failed', `${kind} takes ${wanted}, not ${shown}`, {
    hint: 'filter such records out before, or make the function give another value for them',
  })
}

/** @throws `step-failed` for NaN, ±Infinity and what is no number */
export function finite(kind: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw unfit(kind, value, 'finite numbers')
}

/** @throws `invalid-argument` at once, where an aggregator is given no function */
export function needsFunction(kind: string, fn: unknown): void {
  if (typeof fn === 'function') return
  throw new MillraceError('invalid-argument', `${kind} takes a function of the value`, {
    hint: `for instance ${kind}((r) => r.amount)`,
  })
}
