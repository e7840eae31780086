/**
 * C10: random use of a log against a naive model of it. A case is one seed, so a failure names
 * it.
 */
import assert from 'node:assert/strict'
import { seededRandom } from '../../core/random.ts'
import type { Log } from '../log.ts'
import { type CaseHarness, type LogCase, logCase, type LogHarness } from './log-case.ts'
import { LogModel } from './log-model.ts'
import { readAll, restored, taskOf, valuesOf } from './log-probe.ts'

const seedCount = 6
const stepCount = 120

export const modelCases: readonly LogCase[] = Array.from({ length: seedCount }, (_, seed) =>
  logCase(`C10 random use of a log that stays open, seed ${seed}`, (harness) =>
    runModel(harness, { seed, reopens: 'never' }),
  ),
).concat(
  Array.from({ length: seedCount }, (_, i) =>
    logCase(
      `C10 random use of a log that is reopened, seed ${1000 + i}`,
      (harness) => runModel(harness, { seed: 1000 + i, reopens: 'sometimes' }),
      ['reopen'],
    ),
  ),
)

interface ModelRun {
  readonly seed: number
  readonly reopens: 'never' | 'sometimes'
}

async function runModel(harness: CaseHarness, { seed, reopens }: ModelRun): Promise<void> {
  let log = await harness.open()
  for (const topic of ['t', 'u']) {
    await log.createTopic(topic, { partitions: 2, recordBytesMax: 50 })
  }
  const model = new LogModel(seededRandom(seed), harness)
  let step = 0
  try {
    for (; step < stepCount; step++) {
      await model.step(log)
      if (reopens === 'sometimes' && step % 17 === 16) {
        await log.close()
        log = await harness.open()
        model.forgetSessions()
      }
      if (step % 20 === 19) await compare(harness, log, model)
    }
    await compare(harness, log, model)
  } catch (error) {
    const story = `${model.lastSteps().join('\n')}\n`
    throw new Error(`seed ${seed}, step ${step}: ${String(error)}\n${story}`, { cause: error })
  }
  // A run in which nearly everything is refused proves nothing.
  const { commitCount, fencedCount, refusedCount, repeatCount, trimCount } = model
  const work = { commitCount, fencedCount, refusedCount, repeatCount, trimCount }
  assert.ok(commitCount >= 15, `seed ${seed} did too little: ${JSON.stringify(work)}`)
}

/** Everything a user can see. Fences all sessions, as restoring needs new ones. */
async function compare(harness: LogHarness, log: Log, model: LogModel): Promise<void> {
  for (const one of model.partitions()) {
    const { topic, partition, values, start } = one
    const seen = await readAll(harness, log, topic, partition)
    assert.deepEqual(valuesOf(seen), values.slice(start), `records of ${topic}/${partition}`)
    const offsets = seen.map((record) => record.offset)
    assert.deepEqual(offsets, model.offsetsOf(one), `offsets of ${topic}/${partition}`)
  }
  model.forgetSessions()
  for (const modelTask of model.tasks()) {
    const { task, blobs } = modelTask
    const session = await log.open(taskOf({ task, partitions: [0, 1], isShared: true }))
    assert.deepEqual([...session.offsets], model.openedAt(modelTask), `offsets of ${task}`)
    assert.deepEqual(await restored(session), blobs, `changelog of ${task}`)
    await session.close()
  }
}
