/** What goes on in a run, for whoever wants to be told. */
import type { DeliveryEvent } from '../connect/delivery/deliver.ts'
import type { SourceEvent } from '../connect/source-runner.ts'
import type { RunEvent } from '../engine/run.ts'

/**
 * `failed`: the run has ended by this error. `log`: what goes on with the log, one clause: a broker
 * is away or back, a membership was lost.
 */
export type HostEvent =
  | RunEvent
  | DeliveryEvent
  | SourceEvent
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'log'; readonly text: string }
  /** The HTTP server: where it listens, and what it failed at; one clause. */
  | { readonly kind: 'http'; readonly text: string }
