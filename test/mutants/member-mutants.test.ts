/** The cases of membership are tested: they pass a log that shares, and reject each wrong one. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { logConformance, type LogSubject, runLogCase } from '../../src/log/log.conformance.ts'
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
