/** What both group protocols are given. */
import type { Clock } from '../../../core/clock.ts'
import type { MemberIdentity } from '../contracts.ts'
import type { TaskInfo } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import type { NotifyGroup } from './group-event.ts'

export interface MemberOptions {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly group: string
  /** Every task of the pipeline, in its order; the same in all members. */
  readonly infos: readonly TaskInfo[]
  /**
   * Stable over restarts of this process, and of no other one: it then takes its old place without
   * waiting for its old session's end. null: a new member each time.
   */
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  /** How long a member may take to close what it must give up. */
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
  /** Standby copies of each task with state. */
  readonly standbys: number
  /** Tasks whose state this process has a copy of, when it joins. */
  readonly warm: () => readonly string[]
  /** Called when `standbys` has changed. */
  readonly onStandbys: (tasks: readonly string[]) => void
  readonly notify: NotifyGroup
}

/** One protocol's way of being a member. */
export interface Member {
  /** Resolves with the first assignment. */
  readonly joined: Promise<void>
  /** null: not a member now. */
  identity(): MemberIdentity | null
  /**
   * Asks the coordinator, and waits for a rebalance under way to end: about the session time-out at
   * most, and no longer than `isWanted`.
   * @returns whether it has confirmed the membership
   */
  verify(isWanted: () => boolean): Promise<boolean>
  readonly standbys: readonly string[]
  /** False once it is lost for good. */
  readonly rejoins: boolean
  /** Idempotent. */
  leave(): Promise<void>
  describe(): string
}
