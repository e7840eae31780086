/** Windows that cannot work: what is said of a step's window as a whole, and needs its name. */
import { MillraceError } from '../core/error.ts'
import type { AggregateNode, ReduceNode } from './node.ts'
import type { WindowSpec } from './window-spec.ts'

/** @throws `invalid-plan` naming the step */
export function checkWindow(step: string, node: AggregateNode | ReduceNode): void {
  const { window } = node
  if (window === null) return
  if (node.latenessMs > 0 && !canBeLateFor(window)) {
    throw new MillraceError('invalid-plan', `nothing is late for ${textOf(window)}`, {
      at: { step },
      hint: 'leave lateness out',
    })
  }
  if (node.emission.kind !== 'final' && window.kind === 'global') {
    throw new MillraceError(
      'invalid-plan',
      'the trigger of a global window says when results come',
      {
        at: { step },
        hint: 'leave emit out; onCount(1) gives one with each record',
      },
    )
  }
  if (node.kind === 'reduce' || !mergesParts(window)) return
  const field = node.fields.find(({ aggregator }) => aggregator.merge === null)
  if (field === undefined) return
  const { name, aggregator } = field
  throw new MillraceError(
    'invalid-plan',
    `${textOf(window)} merges parts, which '${name}' (${aggregator.kind}) cannot`,
    { at: { step }, hint: 'use an aggregator with merge, or a tumbling window' },
  )
}

/** Whether a record can come too late for the window: not where the clock or a count closes it. */
export function canBeLateFor(window: WindowSpec): boolean {
  if (window.kind === 'count' || window.kind === 'global') return false
  return window.time === 'event'
}

/** Whether a window's result is put together of parts that are kept apart. */
function mergesParts(window: WindowSpec): boolean {
  switch (window.kind) {
    case 'sliding':
      return window.everyMs < window.sizeMs
    case 'count':
      return window.every < window.size
    case 'trailing':
    case 'session':
    case 'cumulative':
      return true
    default:
      return false
  }
}

function textOf(window: WindowSpec): string {
  const time = 'time' in window && window.time === 'processing' ? ' of processing time' : ''
  return `a ${window.kind} window${time}`
}
