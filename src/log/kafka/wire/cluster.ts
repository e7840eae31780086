/**
 * The brokers, as the rest of the driver sees them: who leads what, and requests to them. Never
 * retries and never looks at error codes of an answer's body; whoever sends knows what they mean.
 * Made by `connectCluster` (connect-cluster.ts).
 */
import type { Clock } from '../../../core/clock.ts'
import type { Api } from './api.ts'

/**
 * A broker answers one request of a connection at a time, so what may wait has a connection of its
 * own: each purpose has one connection to each broker. `lane` tells several of one purpose apart
 * (of fetches, of transactions that go on side by side).
 * `join` has a time-out above the rebalance time-out; all others the request time-out.
 */
export type Purpose = 'control' | 'fetch' | 'produce' | 'transaction' | 'join' | 'heartbeat'

export type Target =
  /** Any broker that answers. */
  | 'any'
  /** The controller, for topic administration; any broker forwards to it. */
  | { readonly node: number }
  /** The coordinator of a group, or of a transactional id; looked up and remembered. */
  | { readonly group: string }
  | { readonly transactionalId: string }

export interface SendOptions {
  readonly purpose?: Purpose
  readonly lane?: number
  /** Over the usual request time-out, for requests that wait on purpose. */
  readonly timeoutMs?: number
}

export interface PartitionMeta {
  readonly partition: number
  /** Node id of the leader; −1: none now. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface TopicMeta {
  readonly name: string
  /** UUID as text. */
  readonly id: string
  readonly isInternal: boolean
  /** In order of partition. */
  readonly partitions: readonly PartitionMeta[]
}

export interface BrokerMeta {
  readonly node: number
  readonly host: string
  readonly port: number
}

export interface Features {
  /** Finalized feature levels by name, e.g. `transaction.version`; 0 where absent. */
  level(name: string): number
  /** Highest version of an api key that the brokers offer; −1 where they lack it. */
  versionMax(key: number): number
}

/** How the connection to the brokers stands, for status and messages. */
export interface ClusterState {
  /** null: the last request to some broker succeeded. Else since when none does, and why. */
  readonly away: { readonly sinceMs: number; readonly reason: string } | null
}

export interface Cluster {
  /** The bootstrap list, for people; without secrets. */
  readonly place: string
  readonly clock: Clock
  readonly state: ClusterState
  features(): Promise<Features>
  clusterId(): Promise<string>
  brokers(): Promise<readonly BrokerMeta[]>
  /**
   * Topics by name, from the cache where it has them; names that do not exist are absent. `fresh`:
   * asked anew. Not authorised: throws `not-authorised`.
   */
  topics(
    names: readonly string[],
    options?: { readonly fresh?: boolean },
  ): Promise<ReadonlyMap<string, TopicMeta>>
  /** All topics, asked anew. */
  allTopics(): Promise<readonly TopicMeta[]>
  /**
   * What is known of a topic without asking; undefined: nothing. For the fetch and produce loops.
   */
  known(topic: string): TopicMeta | undefined
  /**
   * One answer said that a leader or coordinator has moved: forget it, the next look asks anew.
   * Metadata requests for the same topics that run at once are one request; at most one every
   * 100 ms a topic.
   */
  forget(what: { readonly topic: string } | Exclude<Target, 'any' | { node: number }>): void
  /**
   * Sends one request and gives its answer. Rejects with `log-unreachable` (blame external, outcome
   * `unknown` once the request may have been written, else `not-applied`) where the connection is
   * lost, cannot be made, or times out; a coordinator that is not available (14–16) rejects with
   * `log-unreachable`, too, and is forgotten; with `not-authorised` where the login or the
   * coordinator look-up is refused; `log-closed` after `close`. Connections are made when needed; a
   * lost one is replaced by a new object at the next request, not before its back-off (50 ms
   * doubling to 1 s for each broker) is over.
   */
  send<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    request: Request,
    options?: SendOptions,
  ): Promise<Answer>
  /** Closes all connections; pending requests reject with `log-closed`. Idempotent. */
  close(): Promise<void>
}
