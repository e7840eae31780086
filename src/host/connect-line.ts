/** What goes on with sources and sinks, in a line for people. */
import type { DeliveryEvent } from '../connect/delivery/deliver.ts'
import type { SourceEvent } from '../connect/source-runner.ts'
import { messageOf } from '../core/error.ts'

export type ConnectEvent = Extract<
  DeliveryEvent | SourceEvent,
  {
    readonly kind:
      | 'sink-away'
      | 'sink-back'
      | 'sink-dead'
      | 'source-retrying'
      | 'source-notice'
      | 'source-refused'
      | 'source-ended'
  }
>

export function connectLine(event: ConnectEvent): string {
  switch (event.kind) {
    case 'sink-away':
      return (
        `sink ${event.sink} is away: ${messageOf(event.error)}; ` +
        `its records wait in ${event.pipeline}.${event.sink}.outbox`
      )
    case 'sink-back':
      return `sink ${event.sink} is back`
    case 'sink-dead':
      return (
        `sink ${event.sink} gave up record ${event.id}: ${messageOf(event.error)}; ` +
        `it is kept in ${event.pipeline}.${event.sink}.outbox.dead`
      )
    case 'source-ended':
      return `source ${event.source} has nothing more to give`
    case 'source-notice':
      return `source ${event.source}: ${event.text}`
    case 'source-refused':
      return `${messageOf(event.error)}; it is let go`
    case 'source-retrying':
      return `${messageOf(event.error)}; source ${event.source} is opened again in ${event.inMs} ms`
  }
}
