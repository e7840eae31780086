/** What modelled brokers share, as requests find it. */
import type { Clock } from '../../../core/clock.ts'
import type { BrokerMeta } from '../wire/cluster.ts'
import type { ModelFetches } from './model-fetches.ts'
import type { ModelGroups } from './model-groups.ts'
import type { ModelTopics } from './model-topics.ts'
import type { Placement } from './placement.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'

export interface BrokerParts {
  readonly clock: Clock
  readonly topics: ModelTopics
  readonly groups: ModelGroups
  readonly transactions: TransactionCoordinator
  readonly fetches: ModelFetches
  readonly placement: Placement
  /** Those that are up. */
  readonly up: readonly BrokerMeta[]
  brokerOf(node: number): BrokerMeta
}

/** Of one request. */
export interface At<Request> {
  readonly brokers: BrokerParts
  /** Whom it was sent to. */
  readonly node: number
  readonly request: Request
  /** Of the request's format. */
  readonly version: number
}

/** What a request does, and its answer, which may be a promise. */
export type Handle = (at: At<never>) => unknown
