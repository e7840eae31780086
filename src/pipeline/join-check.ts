/** Joins that cannot work, refused with the plan by the step's name. */
import { formatDuration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { IntervalJoinSpec } from './join-spec.ts'
import type { StepSpec } from './step-spec.ts'
import type { WindowSpec } from './window-spec.ts'
import { windowText } from './window-text.ts'

/** @throws `invalid-plan` naming the step */
export function checkJoin(step: string, spec: StepSpec): void {
  if (spec.kind === 'interval-join') checkInterval(step, spec)
  if (spec.kind === 'window-join' && !hasJoinWindows(spec.window)) {
    throw invalid(
      step,
      `join cannot use the windows '${windowText(spec.window)}'`,
      'use tumbling, sliding, cumulative or calendar windows of event time',
    )
  }
  if (spec.kind === 'versioned-join' && spec.historyMs === 0) {
    throw invalid(step, "history cannot be '0ms'", 'leave it out where no record comes late')
  }
}

function checkInterval(step: string, { type, beforeMs, afterMs }: IntervalJoinSpec): void {
  if (beforeMs === Infinity && type !== 'inner') {
    throw invalid(
      step,
      `a join within 'forever' cannot be of type '${type}': a partner may always come`,
      "give an interval, within('5m'), or leave out the type",
    )
  }
  if (beforeMs + afterMs >= 0) return
  throw invalid(
    step,
    beforeMs === afterMs
      ? `the interval of the join is negative: ${formatDuration(beforeMs)}`
      : `the interval of the join is empty: from ${formatDuration(-beforeMs)} to ` +
          `${formatDuration(afterMs)} after the left record`,
    "before + after must be at least '0ms'",
  )
}

/** Windows by which a join can pair: each has its bounds by the time of a record alone. */
export function hasJoinWindows(window: WindowSpec): boolean {
  switch (window.kind) {
    case 'tumbling':
    case 'sliding':
    case 'cumulative':
    case 'calendar':
      return window.time === 'event'
    default:
      return false
  }
}

function invalid(step: string, text: string, hint: string): MillraceError {
  return new MillraceError('invalid-plan', text, { at: { step }, hint })
}
