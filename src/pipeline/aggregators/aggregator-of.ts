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

/** For `retract`, where it shows that the value is not in the accumulator. */
export function neverAdded(kind: string): MillraceError {
  return new MillraceError('step-failed', `${kind} is to take back a value it was never given`, {
    hint: 'the function given to it must give the same for the same value, every time',
  })
}

/** For `fromState`: what was kept was made with other settings. */
export function otherSettings(kind: string, what: string): MillraceError {
  return new MillraceError('state-corrupt', `the state of ${kind} has ${what}`, {
    hint: 'was a setting of this aggregator changed? Give the step another name to start it afresh',
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

/** What is allowed for a setting that is a number. */
export interface Range {
  readonly min: number
  readonly max: number
  readonly isWhole?: boolean
}

/** @throws `invalid-argument` for a setting that is not a number from min to max */
export function needsNumber(setting: string, value: unknown, range: Range): void {
  const { min, max, isWhole = false } = range
  const isNumber = typeof value === 'number' && (!isWhole || Number.isInteger(value))
  if (isNumber && value >= min && value <= max) return
  const wanted = isWhole ? 'a whole number' : 'a number'
  const given = typeof value === 'number' ? String(value) : typeof value
  throw new MillraceError(
    'invalid-argument',
    `${setting} takes ${wanted} from ${min} to ${max}, not ${given}`,
    { hint: 'see the example in its documentation' },
  )
}
