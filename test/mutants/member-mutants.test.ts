/** The cases of membership are tested: they pass a log that shares, and reject each wrong one. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { logConformance, type LogSubject, runLogCase } from '../../src/log/log.conformance.ts'
import type { Log, Membership } from '../../src/log/log.ts'
import { SimulatedGroup } from '../../src/testing/simulate/simulated-group.ts'
import { memorySubject } from './log-mutants.ts'
import { type SharingFault, sharingFaults, sharingLog } from './sharing-log.ts'
import { change, type LogMutant, withSessions } from './wrap-log.ts'

const cases = logConformance.filter(({ needs }) => needs.includes('members'))

/** The first case that fails, and its error. */
async function rejection(wrap: LogMutant['wrap'], among = cases): Promise<string | null> {
  const subject: LogSubject = memorySubject(wrap, 'sharing memory')
  for (const one of among) {
    try {
      await runLogCase(one, subject)
    } catch (error) {
      return `${one.title}: ${String(error)}`
    }
  }
  return null
}

const right: SharingFault = { name: 'is right' }

test('a log that shares its tasks passes', async () => {
  assert.ok(cases.length >= 6)
  assert.equal(await rejection(sharingLog(right)), null)
})

test('the processes of a simulation share tasks as it is asked of a log', async () => {
  let process = 0
  const wrap: LogMutant['wrap'] = (log, storage) => {
    const groupOf = (pipeline: string): SimulatedGroup => {
      const known = storage.notes.get(`group ${pipeline}`) as SimulatedGroup | undefined
      const group = known ?? new SimulatedGroup(() => {})
      storage.notes.set(`group ${pipeline}`, group)
      return group
    }
    const joined: Membership[] = []
    return change(log as Log, {
      join: async (options) => {
        await log.listTopics() // refused where the log was closed
        process += 1
        const member = groupOf(options.pipeline).join(process, options.tasks)
        joined.push(member)
        return member
      },
      close: async () => {
        await Promise.all(joined.map((member) => member.leave()))
        await log.close()
      },
    })
  }
  // With the order in which its tasks move, the dice of this seed leave no zombie behind.
  const among = cases.filter(({ title }) => !title.endsWith('seed 1'))
  assert.ok(among.some(({ id }) => id === 'C10'))
  assert.equal(await rejection(wrap, among), null)
})

for (const fault of sharingFaults) {
  test(`C7 the suite rejects a log that ${fault.name}`, async () => {
    assert.notEqual(await rejection(sharingLog(fault)), null)
  })
}

test('L4 the suite rejects a log that lets the earlier owner of a task write', async () => {
  const wrong: LogMutant['wrap'] = (log, storage) =>
    withSessions(sharingLog(right)(log, storage), (session) =>
      change(session, {
        commit: async (batch) => {
          const found = await session.commit(batch).catch(() => null)
          return found ?? { appended: await log.append(batch.appends) }
        },
      }),
    )
  for (const id of ['L4', 'C10']) {
    const among = cases.filter((one) => one.id === id)
    assert.notEqual(await rejection(wrong, among), null, `every case of ${id} passed`)
  }
})
