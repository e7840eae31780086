import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { systemClock } from '../core/clock.ts'
import { ValueWriter } from '../core/value-codec.ts'
import { guardTasks } from './plan-guard.ts'

test('the tasks of the first run are remembered; the same in any order pass', async () => {
  const log = openMemoryLog()
  await guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/0', 'main/1'] })
  await guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/1', 'main/0'] })
  await guardTasks({ log, clock: systemClock, pipeline: 'other', tasks: ['main/all'] })
})

test('other tasks under the same name are refused, telling both; nothing is lost', async () => {
  const log = openMemoryLog()
  await guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/all'] })
  for (const attempt of [1, 2]) {
    await assert.rejects(
      guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/0', 'main/1'] }),
      (thrown) =>
        isCode(thrown, 'invalid-plan') &&
        thrown.message.includes('main/all') &&
        thrown.message.includes('main/0 main/1') &&
        thrown.hint?.includes('millrace groups delete p') === true,
      `attempt ${attempt}`,
    )
  }
  await guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/all'] })
})

test('a pipeline whose state was forgotten may be cut anew', async () => {
  const log = openMemoryLog()
  await guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/all'] })
  await log.deleteGroup('p')
  await guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/0'] })
})

test('a step that would keep something else is refused; others may come and go', async () => {
  const log = openMemoryLog()
  const run = (shapes: Record<string, string>) =>
    guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/all'], shapes })
  await run({ counts: 'n: count, tumbling windows of 10 ms', gone: 'n: count' })
  await run({ counts: 'n: count, tumbling windows of 10 ms', added: 'n: sum' })
  await assert.rejects(run({ counts: 'n: count, tumbling windows of 20 ms' }), (thrown) => {
    assert.ok(isCode(thrown, 'invalid-plan'))
    assert.match(thrown.message, /'counts' kept .* of 10 ms, now it would keep .* of 20 ms/)
    return thrown.at.step === 'counts'
  })
  await run({ counts: 'n: count, tumbling windows of 10 ms' })
})

test('a step may have the name of what every object has', async () => {
  const log = openMemoryLog()
  const run = (shapes: Record<string, string>) =>
    guardTasks({ log, clock: systemClock, pipeline: 'p', tasks: ['main/all'], shapes })
  await run({ counts: 'n: count' })
  await run({ counts: 'n: count', constructor: 'n: count', toString: 'n: sum' })
})

test('what is remembered is checked: a blob of another form is corrupt', async () => {
  for (const value of [undefined, 'text', { tasks: 'main/all' }, { tasks: 1, shapes: {} }]) {
    const log = openMemoryLog()
    const session = await log.open({ pipeline: 'p', task: '#plan', inputs: [], startAt: [] })
    const writer = new ValueWriter()
    writer.writeValue(value)
    const changelog = { bytes: writer.bytes(), startsRound: true, endsRound: true }
    await session.commit({ offsets: [], appends: [], changelog })
    await session.close()
    await assert.rejects(
      guardTasks({
        log,
        clock: systemClock,
        pipeline: 'p',
        tasks: ['main/all'],
        shapes: { a: 'b' },
      }),
      (thrown) => isCode(thrown, 'state-corrupt') && thrown.at.pipeline === 'p',
    )
  }
})
