/** C7 where equal processes share a pipeline's tasks, and L4 as they see it. */
import assert from 'node:assert/strict'
import { seededRandom } from '../../core/random.ts'
import { type LogCase, logCase, type LogHarness } from './log-case.ts'
import { batchOf, blob, readAll, refuses, valuesOf, within } from './log-probe.ts'
import { SharedCopy } from './member-model.ts'
import {
  Copying,
  MemberProcess,
  sharedLog,
  sharedRun,
  taskNames,
  untilShared,
  valuesUpTo,
} from './member-process.ts'

const seeds = [0, 1, 2]
const stepCount = 60

export const memberCases: readonly LogCase[] = [
  logCase('C7 members share all tasks out, each task to one', shareOut, ['members']),
  logCase(
    'C7 whoever leaves, or closes its log, gives its tasks to the others',
    async (harness) => {
      const [first, second] = [await sharedLog(harness, 3), await harness.open()]
      const stays = await MemberProcess.join(first)
      const leaves = await MemberProcess.join(second)
      await untilShared([stays, leaves], harness)
      for (const task of leaves.owned) await (await leaves.work(task)).copy(1, harness.limitMs)
      await leaves.leave()
      await leaves.member.leave()
      assert.deepEqual([...leaves.member.owned], [])
      await untilShared([stays], harness)
      const again = await MemberProcess.join(second)
      await untilShared([stays, again], harness)
      await second.close()
      await untilShared([stays], harness)
      for (const task of taskNames) await (await stays.work(task)).copy(3, harness.limitMs)
    },
    ['members'],
  ),
  logCase("C7 a task is another's only when its last owner is done", handOver, ['members']),
  logCase('L4 whoever goes on with a task that was shared out anew is fenced', fenceZombie, [
    'members',
  ]),
  logCase(
    'C7 a member that lost a session, but not the task, opens it again',
    async (harness) => {
      const [log, other] = [await sharedLog(harness, 3), await harness.open()]
      const member = await MemberProcess.join(log)
      const lost = await member.work('main/1')
      await lost.copy(1, harness.limitMs)
      const stranger = await Copying.open(other, 'main/1')
      await refuses('task-fenced', () => lost.copy(1, harness.limitMs), 'after another opened it')
      await stranger.session.close()
      assert.ok(await member.reopen('main/1'), 'it is a member as before')
      const next = await member.work('main/1')
      assert.equal(next.count, 1)
      await next.copy(3, harness.limitMs)
      assert.deepEqual(valuesOf(await readAll(harness, log, 'out', 1)), valuesUpTo(3))
    },
    ['members'],
  ),
  ...seeds.map((seed) =>
    logCase(
      `C10 members come and go at random, every record is copied once, seed ${seed}`,
      (harness) => copyAtRandom(harness, seed),
      ['members'],
    ),
  ),
]

async function shareOut(harness: LogHarness): Promise<void> {
  const log = await sharedLog(harness, 1)
  const processes = [await MemberProcess.join(log)]
  assert.deepEqual([...(processes[0]?.owned ?? [])].toSorted(), taskNames, 'the first has all')
  for (const takeOver of [false, true]) {
    // Nobody is in the way of another here, so that there is nothing to take over.
    processes.push(await MemberProcess.join(await harness.open(), { ...sharedRun, takeOver }))
    await untilShared(processes, harness)
  }
  for (const { member, owned, told } of processes) {
    assert.deepEqual([...member.owned].toSorted(), [...owned].toSorted(), 'as it was told')
    assert.ok(told.every(({ reason }) => reason === 'rebalanced'))
    for (const task of taskNames) {
      assert.equal(await member.confirm(task), owned.has(task), `confirm ${task}`)
    }
  }
  const elsewhere = await (await harness.open()).join({ ...sharedRun, pipeline: 'q' })
  assert.equal(elsewhere.owned.length, taskNames.length, 'pipelines do not share')
}

/** Holds what goes back for a while, and commits once more meanwhile. */
async function handOver(harness: LogHarness): Promise<void> {
  const { limitMs } = harness
  const [first, second] = [await sharedLog(harness, 3), await harness.open()]
  const old = await MemberProcess.join(first)
  for (const task of taskNames) await (await old.work(task)).copy(1, limitMs)
  const asked = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  old.giveUp = async (copying) => {
    asked.resolve()
    await gate.promise
    await copying.copy(1, limitMs)
    await copying.session.close()
  }
  const heir = await MemberProcess.join(second)
  await within(limitMs, asked.promise, 'the old owner is asked to give tasks up')
  const kept = [...old.owned]
  // What stays goes on meanwhile, and what goes is nobody's yet.
  for (const task of kept) await (await old.work(task)).copy(1, limitMs)
  assert.deepEqual([...heir.owned], [])
  assert.deepEqual([...heir.member.owned], [])
  gate.resolve()
  await untilShared([old, heir], harness)
  for (const task of heir.owned) {
    const copying = await heir.work(task)
    assert.equal(copying.count, 2, `${task} begins behind the last commit of its old owner`)
    await copying.copy(1, limitMs)
    const partition = taskNames.indexOf(task)
    assert.deepEqual(valuesOf(await readAll(harness, first, 'out', partition)), valuesUpTo(3))
  }
}

async function fenceZombie(harness: LogHarness): Promise<void> {
  const { limitMs } = harness
  const [first, second] = [await sharedLog(harness, 3), await harness.open()]
  const zombie = await MemberProcess.join(first)
  const sessions = new Map<string, Copying>()
  for (const task of taskNames) {
    const copying = await zombie.work(task)
    await copying.copy(1, limitMs)
    sessions.set(task, copying)
  }
  zombie.giveUp = async () => {}
  const heir = await MemberProcess.join(second)
  await untilShared([zombie, heir], harness)
  for (const task of heir.owned) {
    const copying = await heir.work(task)
    assert.equal(copying.count, 1)
    const partition = taskNames.indexOf(task)
    const { session } = sessions.get(task) as Copying
    const late = { appends: [batchOf('out', partition, 'no')], changelog: blob('<no>') }
    for (let i = 0; i < 2; i++) {
      const commit = (): unknown => session.commit({ offsets: [3], ...late })
      await refuses('task-fenced', commit, `the commit of the zombie, ${task}`)
    }
    assert.equal(await zombie.member.confirm(task), false)
    assert.equal(await heir.member.confirm(task), true)
    await copying.copy(2, limitMs)
    assert.deepEqual(valuesOf(await readAll(harness, first, 'out', partition)), valuesUpTo(3))
    await copying.session.close()
    assert.equal((await Copying.open(second, task)).count, 3)
  }
  for (const task of zombie.owned) await (await zombie.work(task)).copy(2, limitMs)
}

async function copyAtRandom(harness: LogHarness, seed: number): Promise<void> {
  const model = await SharedCopy.start(harness, seededRandom(seed))
  try {
    for (let step = 0; step < stepCount; step++) await model.step()
    await model.finish()
    await model.check()
  } catch (error) {
    const text = `seed ${seed}: ${String(error)}\n${model.story()}`
    throw new Error(text, { cause: error })
  }
  // A run without zombies, or in which nobody comes and goes, proves little.
  const { commitCount, moveCount, fencedCount } = model
  const work = JSON.stringify({ commitCount, moveCount, fencedCount })
  assert.ok(commitCount >= 15 && moveCount >= 5 && fencedCount >= 1, `seed ${seed}: ${work}`)
}
