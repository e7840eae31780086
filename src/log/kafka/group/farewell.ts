/** LeaveGroup: the tasks are free at once. */
import { isCode } from '../../../core/error.ts'
import { leaveGroup } from '../wire/requests/leave-group.ts'
import { pauseMsMin } from './life.ts'
import type { MemberOptions } from './member-options.ts'
import { within } from './standing.ts'
import { verdictOf } from './verdicts.ts'

const attemptsMax = 3
const timeoutMs = 2_000

/**
 * Best effort: without it the session ends by itself. Never rejects.
 * @param memberId '' where it is not known: a static member goes by its instance id
 */
export async function sayFarewell(
  { cluster, clock, group, instanceId }: MemberOptions,
  memberId: string,
  reason: string,
): Promise<void> {
  if (memberId === '' && instanceId === null) return
  const request = { group, members: [{ memberId, instanceId, reason }] }
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    try {
      const options = { purpose: 'heartbeat', timeoutMs } as const
      const { code } = await cluster.send({ group }, leaveGroup, request, options)
      const verdict = verdictOf('leave', code)
      if (verdict !== 'find-coordinator' && verdict !== 'later') return
      cluster.forget({ group })
    } catch (thrown) {
      if (!isCode(thrown, 'log-unreachable')) return
    }
    await within(clock, pauseMsMin * attempt, new Promise(() => {}))
  }
}
