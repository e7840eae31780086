/** Error codes of requests about groups. */
import type { ErrorPlace } from '../../../core/error.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { checkCode } from './refusal.ts'

export interface GroupAsked {
  readonly group: string
  /** As a clause, e.g. `group 'g' cannot be deleted`. */
  readonly failed: string
  /** Kafka's operation on the group. */
  readonly operation: 'Describe' | 'Read' | 'Delete'
  readonly at?: ErrorPlace
}

const movedCodes: ReadonlySet<number> = new Set([
  errorCode.coordinatorLoadInProgress,
  errorCode.coordinatorNotAvailable,
  errorCode.notCoordinator,
])

/** @throws `TryAgain` where it may pass by itself, and forgets a coordinator that has moved */
export function checkGroupCode(cluster: Cluster, code: number, asked: GroupAsked): void {
  const { group, failed, operation, at = {} } = asked
  if (movedCodes.has(code)) cluster.forget({ group })
  const isTopic = code === errorCode.topicAuthorizationFailed
  const right = isTopic
    ? `${operation === 'Read' ? 'Read' : 'Describe'} on topic ${at.topic ?? ''}`
    : `${operation} on group ${group}`
  checkCode(code, { failed, right, at })
}
