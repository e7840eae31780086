/** What a run tells of itself, in words. */
import { wrongLine } from '../host/event-line.ts'
import type { HostEvent } from '../host/host-event.ts'

/** @returns one line; null for what is told by other means: what ends a run is thrown */
export function eventText(event: HostEvent, place: string): string | null {
  switch (event.kind) {
    case 'started':
      return `pipeline '${event.pipeline}' runs on ${place}; Ctrl-C stops it`
    case 'gained':
      return `tasks ${event.tasks.join(', ')} have come to this process`
    case 'lost':
      return event.reason === 'rebalanced'
        ? `tasks ${event.tasks.join(', ')} go to another process`
        : wrongLine(event)
    case 'failed':
      return null
    default:
      return wrongLine(event)
  }
}
