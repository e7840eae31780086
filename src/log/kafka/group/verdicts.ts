/**
 * What each error of the group requests means, and what to do. One row an error; an error without a
 * row is tried again later, and told.
 */
import { MillraceError, type ErrorCode } from '../../../core/error.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'

export type GroupRequest = 'join' | 'sync' | 'heartbeat' | 'leave' | 'streams'

export type Verdict =
  | 'ok'
  /** The answer holds our member id: ask again with it. */
  | 'take-id'
  /** The group is forming anew: join its next generation, tasks are kept. */
  | 'rejoin'
  /** We are no member any more: all tasks are lost; join anew under a new id. */
  | 'unknown'
  /** A member, but of another generation: all tasks are lost; join anew under the same id. */
  | 'lost'
  /** Another process has our instance id: lost for good. */
  | 'fenced'
  /** The coordinator is elsewhere: look it up, try again. */
  | 'find-coordinator'
  /** Try again after a pause. */
  | 'later'
  /** It cannot work: a clear error (`refusalOf`). */
  | 'refused'

const c = errorCode

/** For every group request. */
const everywhere: readonly (readonly [number, Verdict])[] = [
  [c.none, 'ok'],
  [c.coordinatorLoadInProgress, 'later'],
  [c.coordinatorNotAvailable, 'find-coordinator'],
  [c.notCoordinator, 'find-coordinator'],
  [c.unknownMemberId, 'unknown'],
  [c.illegalGeneration, 'lost'],
  [c.rebalanceInProgress, 'rejoin'],
  [c.fencedInstanceId, 'fenced'],
  [c.inconsistentGroupProtocol, 'refused'],
  [c.invalidGroupId, 'refused'],
  [c.invalidSessionTimeout, 'refused'],
  [c.groupAuthorizationFailed, 'refused'],
  [c.topicAuthorizationFailed, 'refused'],
  [c.clusterAuthorizationFailed, 'refused'],
  [c.unsupportedVersion, 'refused'],
  [c.invalidRequest, 'refused'],
  [c.groupMaxSizeReached, 'refused'],
  // The group was deleted, or is one of another type.
  [c.groupIdNotFound, 'unknown'],
]

const rows: Record<GroupRequest, ReadonlyMap<number, Verdict>> = {
  join: new Map([
    ...everywhere,
    [c.memberIdRequired, 'take-id'],
    [c.groupIdNotFound, 'refused'],
  ] as const),
  sync: new Map(everywhere),
  heartbeat: new Map(everywhere),
  leave: new Map([
    ...everywhere,
    // Whatever we were, we are not any more.
    [c.unknownMemberId, 'ok'],
    [c.fencedInstanceId, 'ok'],
    [c.groupIdNotFound, 'ok'],
    [c.fencedMemberEpoch, 'ok'],
  ] as const),
  streams: new Map([
    ...everywhere,
    [c.fencedMemberEpoch, 'lost'],
    [c.staleMemberEpoch, 'lost'],
    [c.unreleasedInstanceId, 'later'],
    [c.streamsInvalidTopology, 'refused'],
    [c.streamsInvalidTopologyEpoch, 'refused'],
    [c.streamsTopologyFenced, 'refused'],
  ] as const),
}

/** @returns null for an error that has no row */
export function verdictOf(request: GroupRequest, code: number): Verdict | null {
  return rows[request].get(code) ?? null
}

export interface RefusalPlace {
  readonly group: string
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  /** What the broker says to it; null: nothing. */
  readonly message: string | null
}

interface Refusal {
  readonly code: ErrorCode
  readonly text: (place: RefusalPlace) => string
  readonly hint: string
}

const refusals: ReadonlyMap<number, Refusal> = new Map([
  [
    c.fencedInstanceId,
    {
      code: 'task-fenced',
      text: ({ instanceId }) =>
        `another process has joined with the same instance id ${instanceId ?? ''}`,
      hint: 'give each process an instance id, or a state directory, of its own',
    },
  ],
  [
    c.inconsistentGroupProtocol,
    {
      code: 'log-unsupported',
      text: () => 'its members are not Millrace processes of the same protocol',
      hint: 'an ordinary consumer, or another group protocol, uses this name: choose another one',
    },
  ],
  [
    c.groupIdNotFound,
    {
      code: 'log-unsupported',
      text: () => 'it is a group of another type',
      hint: 'choose another pipeline name, or delete that group',
    },
  ],
  [
    c.invalidGroupId,
    {
      code: 'invalid-argument',
      text: () => 'the broker does not accept its name',
      hint: 'choose another pipeline name',
    },
  ],
  [
    c.invalidSessionTimeout,
    {
      code: 'invalid-argument',
      text: ({ sessionTimeoutMs }) =>
        `the broker does not allow a session time-out of ${sessionTimeoutMs} ms`,
      hint: "choose one within the broker's limits, or change group.min.session.timeout.ms there",
    },
  ],
  [
    c.groupAuthorizationFailed,
    {
      code: 'not-authorised',
      text: () => 'the login may not read it',
      hint: 'allow READ on the group',
    },
  ],
  [
    c.topicAuthorizationFailed,
    {
      code: 'not-authorised',
      text: () => 'the login may not read its topics',
      hint: 'allow DESCRIBE and READ on the topics',
    },
  ],
  [
    c.clusterAuthorizationFailed,
    {
      code: 'not-authorised',
      text: () => 'the login may not create its internal topics',
      hint: 'allow CREATE on the cluster',
    },
  ],
  [
    c.unsupportedVersion,
    {
      code: 'log-unsupported',
      text: () => 'the broker does not speak this version of the group protocol',
      hint: 'Kafka 3.9 or later is needed for the classic protocol, 4.2 for streams groups',
    },
  ],
  [
    c.groupMaxSizeReached,
    {
      code: 'log-unsupported',
      text: () => 'it has as many members as the broker allows',
      hint: 'raise group.max.size at the broker, or start fewer processes',
    },
  ],
] satisfies [number, Refusal][])

/** @param code of an answer with the verdict `refused` or `fenced` */
export function refusalOf(code: number, place: RefusalPlace): MillraceError {
  const row = refusals.get(code)
  const said = place.message === null || place.message === '' ? '' : `: ${place.message}`
  const head = `cannot be a member of group '${place.group}'`
  if (row === undefined) {
    return new MillraceError('log-failed', `${head}: the broker says ${codeName(code)}${said}`, {
      hint: "see the broker's log",
    })
  }
  return new MillraceError(row.code, `${head}: ${row.text(place)}${said}`, { hint: row.hint })
}
