/** Requests to the coordinators of groups. */
import { errorCode } from '../wire/error-codes.ts'
import type { DescribeGroupsRequest } from '../wire/requests/describe-groups.ts'
import type { HeartbeatRequest } from '../wire/requests/heartbeat.ts'
import type { JoinGroupRequest } from '../wire/requests/join-group.ts'
import type { LeaveGroupRequest } from '../wire/requests/leave-group.ts'
import type { OffsetCommitRequest } from '../wire/requests/offset-commit.ts'
import type { OffsetFetchRequest } from '../wire/requests/offset-fetch.ts'
import type { SyncGroupRequest } from '../wire/requests/sync-group.ts'
import type { At, Handle } from './broker-parts.ts'
import { nothing, refusedJoin } from './group-member.ts'
import type { ModelGroups } from './model-groups.ts'

const c = errorCode

export const groupRequests: Readonly<Record<string, Handle>> = {
  JoinGroup: of(
    (groups, request: JoinGroupRequest) => groups.join(request),
    (code, { memberId }) => refusedJoin(code, memberId),
  ),
  SyncGroup: of(
    (groups, request: SyncGroupRequest) => groups.membersOf(request.group).sync(request),
    (code) => ({ code, assignment: nothing }),
  ),
  Heartbeat: of(
    (groups, request: HeartbeatRequest) => ({
      code: groups.membersOf(request.group).heartbeat(request),
    }),
    (code) => ({ code }),
  ),
  LeaveGroup: of(
    (groups, request: LeaveGroupRequest) => groups.leave(request),
    (code) => ({ code, members: [] }),
  ),
  OffsetCommit: of(
    (groups, request: OffsetCommitRequest) => groups.commit(request),
    (code, { offsets }) => offsets.map(({ topic, partition }) => ({ topic, partition, code })),
  ),
  OffsetFetch: fetchOffsets,
  ListGroups: ({ brokers, node }: At<null>) => ({
    code: c.none,
    groups: brokers.groups.list(
      (group) => brokers.placement.coordinatorOf('group', group) === node,
    ),
  }),
  DescribeGroups: describe,
  DeleteGroups: ({ brokers, node, request: group }: At<string>) => {
    const code = brokers.placement.judge(node, 'group', group)
    return { code: code === c.none ? brokers.groups.delete(group) : code }
  },
}

/** About one group. @param refuse where another broker coordinates it */
function of<Request extends { readonly group: string }>(
  answer: (groups: ModelGroups, request: Request) => unknown,
  refuse: (code: number, request: Request) => unknown,
): Handle {
  return ({ brokers, node, request }: At<Request>) => {
    const code = brokers.placement.judge(node, 'group', request.group)
    return code === c.none ? answer(brokers.groups, request) : refuse(code, request)
  }
}

function fetchOffsets({ brokers, node, request }: At<OffsetFetchRequest>): unknown {
  return request.groups.map((one) => {
    const code = brokers.placement.judge(node, 'group', one.group)
    if (code !== c.none) return { group: one.group, code, offsets: [] }
    return brokers.groups.fetch({ ...request, groups: [one] })[0]
  })
}

function describe({ brokers, node, request }: At<DescribeGroupsRequest>): unknown {
  return request.groups.map((group) => {
    const code = brokers.placement.judge(node, 'group', group)
    return code === c.none ? brokers.groups.describe([group])[0] : { group, code, members: [] }
  })
}
