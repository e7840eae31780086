/** Requests to the coordinators of groups. */
import { errorCode } from '../wire/error-codes.ts'
import type { DescribeGroupsRequest } from '../wire/requests/describe-groups.ts'
import type { HeartbeatRequest } from '../wire/requests/heartbeat.ts'
import type { JoinGroupRequest } from '../wire/requests/join-group.ts'
import type { LeaveGroupRequest } from '../wire/requests/leave-group.ts'
import type { OffsetCommitRequest } from '../wire/requests/offset-commit.ts'
import type { OffsetFetchRequest } from '../wire/requests/offset-fetch.ts'
import type { SyncGroupRequest } from '../wire/requests/sync-group.ts'
import { nothing, refusedJoin } from './group-member.ts'
import type { BrokerState, Handle, Handles } from './broker-state.ts'

const c = errorCode

export function groupRequests(brokers: BrokerState): Handles {
  return [...memberRequests(brokers), ...offsetRequests(brokers)]
}

function memberRequests(brokers: BrokerState): Handles {
  const { groups } = brokers
  const at = atCoordinator(brokers)
  return [
    [
      'JoinGroup',
      at(
        (request: JoinGroupRequest) => groups.join(request),
        (code, { memberId }) => refusedJoin(code, memberId),
      ),
    ],
    [
      'SyncGroup',
      at(
        (request: SyncGroupRequest) => groups.membersOf(request.group).sync(request),
        (code) => ({ code, assignment: nothing }),
      ),
    ],
    [
      'Heartbeat',
      at((request: HeartbeatRequest) => ({
        code: groups.membersOf(request.group).heartbeat(request),
      })),
    ],
    [
      'LeaveGroup',
      at(
        (request: LeaveGroupRequest) => groups.leave(request),
        (code) => ({ code, members: [] }),
      ),
    ],
  ]
}

function offsetRequests(brokers: BrokerState): Handles {
  const { groups, placement } = brokers
  const judge = (node: number, group: string): number => placement.judge(node, 'group', group)
  const at = atCoordinator(brokers)
  return [
    [
      'OffsetCommit',
      at(
        (request: OffsetCommitRequest) => groups.commit(request),
        (code, { offsets }) => offsets.map(({ topic, partition }) => ({ topic, partition, code })),
      ),
    ],
    [
      'OffsetFetch',
      (node: number, request: OffsetFetchRequest) =>
        request.groups.map((one) => {
          const code = judge(node, one.group)
          if (code !== c.none) return { group: one.group, code, offsets: [] }
          return groups.fetch({ ...request, groups: [one] })[0]
        }),
    ],
    [
      'ListGroups',
      (node: number) => ({
        code: c.none,
        groups: groups.list((group) => placement.coordinatorOf('group', group) === node),
      }),
    ],
    [
      'DescribeGroups',
      (node: number, request: DescribeGroupsRequest) =>
        request.groups.map((group) => {
          const code = judge(node, group)
          return code === c.none ? groups.describe([group])[0] : { group, code, members: [] }
        }),
    ],
    [
      'DeleteGroups',
      (node: number, group: string) => {
        const code = judge(node, group)
        return { code: code === c.none ? groups.delete(group) : code }
      },
    ],
  ]
}

/** What a group's coordinator answers, and what any other broker does. */
function atCoordinator({ placement }: BrokerState) {
  return <Request extends { readonly group: string }>(
    answer: (request: Request) => unknown,
    refuse: (code: number, request: Request) => unknown = (code) => ({ code }),
  ): Handle =>
    (node: number, request: Request) => {
      const code = placement.judge(node, 'group', request.group)
      return code === c.none ? answer(request) : refuse(code, request)
    }
}
