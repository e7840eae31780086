/** What a delivery of one partition of an outbox works with, whatever the sink promises. */
import type { Codec } from '../../core/codec.ts'
import type { Clock } from '../../core/clock.ts'
import type { MillraceError } from '../../core/error.ts'
import type { Random } from '../../core/random.ts'
import type { Bell } from '../../engine/bell.ts'
import type { SinkConnection, TransactionalConnection } from '../sink.ts'
import type { DeliverySpec } from './delivery-options.ts'
import type { Destination } from './destination.ts'
import type { OutboxSession } from './outbox-session.ts'

export interface DeliveryParts<C extends SinkConnection | TransactionalConnection> {
  readonly outbox: OutboxSession
  readonly destination: Destination<C>
  readonly spec: DeliverySpec
  readonly codec: Codec<unknown>
  readonly clock: Clock
  readonly random: Random
  /** Rung when something is to be done. */
  readonly bell: Bell
  readonly isStopping: () => boolean
  /** Fires when nothing is to be committed any more. */
  readonly dropped: AbortSignal
  /** A record is given up. */
  readonly onDead: (id: string, error: MillraceError) => void
}
