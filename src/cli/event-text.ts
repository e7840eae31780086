/** What a run tells of itself, in words. */
import { connectLine } from '../host/connect-line.ts'
import { blockedLine, errorLine, restoringLine } from '../host/event-line.ts'
import type { HostEvent } from '../host/host-event.ts'

/** @returns one line; null for what is told by other means: what ends a run is thrown */
export function eventText(event: HostEvent, place: string): string | null {
  switch (event.kind) {
    case 'started':
      return `pipeline '${event.pipeline}' runs on ${place}; Ctrl-C stops it`
    case 'waiting':
      return `${errorLine(event.error)}; trying again in ${event.inMs} ms`
    case 'restoring':
      return restoringLine(event)
    case 'gained':
      return `tasks ${event.tasks.join(', ')} have come to this process`
    case 'lost':
      return event.reason === 'rebalanced'
        ? `tasks ${event.tasks.join(', ')} go to another process`
        : `tasks ${event.tasks.join(', ')} were lost; what was not committed ` +
            'is done again by whoever has them now'
    case 'hand-over-failed':
      return `task ${event.task} was given up without its last commit: ` + errorLine(event.error)
    case 'retrying':
      return `task ${event.task}: ${errorLine(event.error)}; trying again in ${event.inMs} ms`
    case 'blocked':
      return blockedLine(event)
    case 'sink-away':
    case 'sink-back':
    case 'sink-dead':
    case 'source-retrying':
    case 'source-notice':
    case 'source-refused':
    case 'source-ended':
      return connectLine(event)
    case 'log':
    case 'http':
      return event.text
    case 'orphans':
      return (
        `task ${event.task}: state of steps that are gone is dropped: ` + event.stores.join(', ')
      )
    default:
      return null
  }
}
