import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { guardTasks } from './plan-guard.ts'

test('the tasks of the first run are remembered; the same in any order pass', async () => {
  const log = openMemoryLog()
  await guardTasks(log, 'p', ['main/0', 'main/1'])
  await guardTasks(log, 'p', ['main/1', 'main/0'])
  await guardTasks(log, 'other', ['main/all'])
})

test('other tasks under the same name are refused, telling both, and nothing is overwritten', async () => {
  const log = openMemoryLog()
  await guardTasks(log, 'p', ['main/all'])
  for (const attempt of [1, 2]) {
    await assert.rejects(
      guardTasks(log, 'p', ['main/0', 'main/1']),
      (thrown) =>
        isCode(thrown, 'invalid-plan') &&
        thrown.message.includes('main/all') &&
        thrown.message.includes('main/0 main/1') &&
        thrown.hint?.includes('millrace groups delete p') === true,
      `attempt ${attempt}`,
    )
  }
  await guardTasks(log, 'p', ['main/all'])
})

test('a pipeline whose state was forgotten may be cut anew', async () => {
  const log = openMemoryLog()
  await guardTasks(log, 'p', ['main/all'])
  await log.deleteGroup('p')
  await guardTasks(log, 'p', ['main/0'])
})
