/** `aggregate` and `reduce` over windows: the operator of each kind of window, one line a kind. */
import { unreachable } from '../../core/assert.ts'
import type { Key } from '../../core/key.ts'
import type { WindowSpec, WindowTime } from '../../pipeline/window-spec.ts'
import { WindowClock } from '../windows/window-clock.ts'
import type { TimedWindows } from '../windows/window-clock.ts'
import { WindowResults } from '../windows/window-results.ts'
import type { WindowNode, WindowStep } from '../windows/window-step.ts'
import { CountFold } from './count-fold.ts'
import { foldOf } from './fold.ts'
import { GlobalFold } from './global-fold.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import { SessionFold } from './session-fold.ts'
import { SlicedFold } from './sliced-fold.ts'
import { TrailingFold } from './trailing-fold.ts'

interface WindowFold extends TimedWindows {
  take(value: unknown, key: Key | null, time: number): void
}

export function windowFoldOperator(node: WindowNode, context: StepContext, emit: Push): Operator {
  const { window, emission } = node
  const fold = foldOf(node)
  const earlyMs = emission.kind === 'early' ? emission.everyMs : null
  const clock = new WindowClock(timeOf(window), earlyMs, context)
  const results = new WindowResults(fold, emission, context, emit)
  const windows = foldOfKind({ node, fold, results, clock, context })
  return {
    push: (value, key, time) => windows.take(value, key, time),
    second: null,
    asynchronous: null,
    stateful: clock.drive(windows),
  }
}

function foldOfKind(step: WindowStep): WindowFold {
  const { window } = step.node
  switch (window.kind) {
    case 'tumbling':
    case 'sliding':
    case 'cumulative':
    case 'calendar':
      return new SlicedFold(step, window)
    case 'session':
      return new SessionFold(step, window)
    case 'trailing':
      return new TrailingFold(step, window)
    case 'count':
      return new CountFold(step, window)
    case 'global':
      return new GlobalFold(step, window)
    default:
      return unreachable(window)
  }
}

function timeOf(window: WindowSpec): WindowTime {
  if (window.kind === 'count') return 'event'
  if (window.kind !== 'global') return window.time
  return window.trigger.kind === 'interval' ? window.trigger.time : 'event'
}
