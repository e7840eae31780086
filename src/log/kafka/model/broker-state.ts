/** What requests to the modelled brokers look at and change. */
import type { Clock } from '../../../core/clock.ts'
import type { Api } from '../wire/api.ts'
import type { BrokerMeta } from '../wire/cluster.ts'
import type { ModelFetches } from './model-fetches.ts'
import type { ModelGroups } from './model-groups.ts'
import type { ModelTopics } from './model-topics.ts'
import type { Placement } from './placement.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'

export interface BrokerState {
  readonly clock: Clock
  readonly topics: ModelTopics
  readonly groups: ModelGroups
  readonly transactions: TransactionCoordinator
  readonly fetches: ModelFetches
  readonly placement: Placement
  /** Those that can be reached. */
  readonly up: readonly BrokerMeta[]
  brokerOf(node: number): BrokerMeta
}

/** What one request does at broker `node`. */
export type Handle = (node: number, request: never, api: Api<never, unknown>) => unknown

/** Requests by their names. */
export type Handles = readonly (readonly [string, Handle])[]
