/** C6, C7 and C8: groups, who runs a pipeline, and closing the log. */
import assert from 'node:assert/strict'
import type { GroupInfo, GroupOffset, JoinOptions, Log, Membership, TaskInfo } from '../log.ts'
import { type LogCase, logCase, type LogHarness } from './log-case.ts'
import {
  batchOf,
  blob,
  errorOf,
  nothing,
  partitionInfo,
  refuses,
  restored,
  taskOf,
  within,
} from './log-probe.ts'
import { filledLog } from './session-cases.ts'

const taskNames = ['main/0', 'main/1']
const infos: readonly TaskInfo[] = taskNames.map((task, index) => ({
  task,
  part: 'main',
  index,
  inputs: [{ topic: 't', partition: index, isRepartition: false, isShared: false }],
  isStateful: false,
}))
const run: JoinOptions = { pipeline: 'p', tasks: taskNames, infos, takeOver: false }
const takeOver: JoinOptions = { ...run, takeOver: true }

function at(partition: number, offset: number): GroupOffset {
  return { topic: 't', partition, offset }
}

async function groupOf(log: Log, name: string): Promise<GroupInfo | undefined> {
  return (await log.groups()).find(({ group }) => group === name)
}

/** A group's offsets as `partition@offset`, in order. */
async function offsetsOf(log: Log, name: string): Promise<string[]> {
  const offsets = (await groupOf(log, name))?.offsets ?? []
  return offsets.map(({ partition, offset }) => `${partition}@${offset}`).toSorted()
}

export const groupCases: readonly LogCase[] = [
  logCase('C6 groups keep what was set, in order of name', async (harness) => {
    const log = await filledLog(harness)
    assert.deepEqual(await log.groups(), [])
    await log.commitGroup('b', [at(0, 3), at(1, 1)])
    await log.commitGroup('a', [at(0, 1)])
    await log.commitGroup('b', [at(0, 2)])
    await log.commitGroup('B', [at(1, 0)])
    const groups = await log.groups()
    assert.deepEqual(
      groups.map(({ group, owner }) => [group, owner]),
      [
        ['B', null],
        ['a', null],
        ['b', null],
      ],
    )
    assert.deepEqual(await offsetsOf(log, 'b'), ['0@2', '1@1'])
    assert.deepEqual(await offsetsOf(log, 'a'), ['0@1'])
    assert.equal(groups[1]?.offsets[0]?.topic, 't')
  }),
  logCase('C6 a group needs partitions that exist', async (harness) => {
    const log = await filledLog(harness)
    await refuses('unknown-partition', () => log.commitGroup('g', [at(0, 1), at(5, 0)]), 't/5')
    const nowhere = { topic: 'nowhere', partition: 0, offset: 0 }
    await refuses('unknown-topic', () => log.commitGroup('g', [at(0, 1), nowhere]), 'nowhere')
    assert.deepEqual(await log.groups(), [])
  }),
  logCase("C6 tasks' offsets are listed under the pipeline's name", async (harness) => {
    const log = await filledLog(harness)
    const tasks = [
      ['main/0', 0, 4],
      ['main/1', 1, 1],
    ] as const
    for (const [task, partition, offset] of tasks) {
      const session = await log.open(taskOf({ task, partitions: [partition] }))
      await session.commit({ ...nothing, offsets: [offset] })
      await session.close()
    }
    assert.deepEqual(await offsetsOf(log, 'p'), ['0@4', '1@1'])
    assert.equal((await log.groups()).length, 1)
    const slower = await log.open(taskOf({ task: 'side/0' }))
    await slower.commit({ ...nothing, offsets: [2] })
    await slower.close()
    const merged = await offsetsOf(log, 'p')
    assert.equal(merged.length, 2, 'one offset for a partition, however many tasks read it')
    assert.ok(['0@2', '0@4'].includes(merged[0] ?? ''))
  }),
  logCase('C6 deleting a group forgets offsets, state and tasks', async (harness) => {
    const log = await filledLog(harness)
    await log.deleteGroup('unknown')
    await log.commitGroup('g', [at(0, 1)])
    for (const pipeline of ['p', 'q']) {
      const session = await log.open(taskOf({ pipeline }))
      await session.commit({ ...nothing, offsets: [3], changelog: blob('state') })
      await session.close()
    }
    await log.deleteGroup('p')
    await log.deleteGroup('g')
    await log.deleteGroup('g')
    assert.deepEqual(
      (await log.groups()).map(({ group }) => group),
      ['q'],
    )
    const fresh = await log.open(taskOf())
    assert.deepEqual([...fresh.offsets], [0])
    assert.deepEqual(await restored(fresh), [])
    assert.deepEqual(await restored(await log.open(taskOf({ pipeline: 'q' }))), ['state'])
  }),
  logCase('C6 a running pipeline keeps its group', async (harness) => {
    const log = await filledLog(harness)
    const member = await log.join(run)
    const session = await log.open(taskOf())
    await session.commit({ ...nothing, offsets: [3] })
    assert.notEqual((await groupOf(log, 'p'))?.owner ?? null, null, 'it says who holds the group')
    await refuses('pipeline-running', () => log.deleteGroup('p'), 'deleteGroup')
    await errorOf(() => log.commitGroup('p', [at(0, 0)]), 'commitGroup')
    assert.deepEqual(await offsetsOf(log, 'p'), ['0@3'])
    await session.close()
    await member.leave()
    assert.equal((await groupOf(log, 'p'))?.owner, null)
    await log.deleteGroup('p')
    assert.deepEqual(await log.groups(), [])
  }),
  logCase(
    'C6 groups outlive the log',
    async (harness) => {
      const log = await filledLog(harness)
      await log.commitGroup('g', [at(0, 1), at(1, 1)])
      const session = await log.open(taskOf())
      await session.commit({ ...nothing, offsets: [3] })
      await log.close()
      const again = await harness.open()
      assert.deepEqual(await offsetsOf(again, 'g'), ['0@1', '1@1'])
      assert.deepEqual(await offsetsOf(again, 'p'), ['0@3'])
      assert.equal((await groupOf(again, 'p'))?.owner, null)
    },
    ['reopen'],
  ),
  logCase(
    'C7 one run owns all tasks of a pipeline until it leaves',
    async (harness) => {
      const log = await filledLog(harness)
      await expectOneRun(log, log)
    },
    ['exclusive'],
  ),
  logCase(
    'C7 a pipeline has one run over all handles',
    async (harness) => {
      await expectOneRun(await filledLog(harness), await harness.open())
    },
    ['shared', 'exclusive'],
  ),
  logCase(
    'C7 of two that join at the same time one runs the pipeline',
    async (harness) => {
      const log = await filledLog(harness)
      const joined = await Promise.allSettled([log.join(run), log.join(run), log.join(run)])
      assert.equal(joined.filter(({ status }) => status === 'fulfilled').length, 1)
    },
    ['exclusive'],
  ),
  logCase(
    'C7 taking over fences the earlier run and tells it',
    async (harness) => {
      const log = await filledLog(harness)
      await expectTakeOver(harness, log, log)
    },
    ['exclusive'],
  ),
  logCase(
    'C7 taking over reaches a run on another handle',
    async (harness) => {
      await expectTakeOver(harness, await filledLog(harness), await harness.open())
    },
    ['shared', 'exclusive'],
  ),
  logCase(
    'C7 L4 a run that was taken over opens nothing any more',
    async (harness) => {
      const [log, other] = [await filledLog(harness), await harness.open()]
      await log.join(run)
      await other.join(takeOver)
      const heir = await other.open(taskOf())
      await refuses('task-fenced', () => log.open(taskOf()), 'the earlier run')
      await heir.commit({ ...nothing, offsets: [3] })
      assert.deepEqual(await offsetsOf(other, 'p'), ['0@3'])
    },
    ['shared', 'exclusive'],
  ),
  logCase(
    'C7 taking over where nobody runs is joining',
    async (harness) => {
      const log = await filledLog(harness)
      assert.deepEqual([...(await log.join(takeOver)).owned].toSorted(), ['main/0', 'main/1'])
      await refuses('pipeline-running', () => log.join(run), 'a second run')
    },
    ['exclusive'],
  ),
  logCase(
    'C7 closing the log gives its pipelines up',
    async (harness) => {
      const [log, other] = [await filledLog(harness), await harness.open()]
      await log.join(run)
      await refuses('pipeline-running', () => other.join(run), 'while it runs')
      await log.close()
      assert.equal((await other.join(run)).owned.length, 2)
    },
    ['shared', 'exclusive'],
  ),
  logCase('C8 closing the log closes what it opened', async (harness) => {
    const log = await filledLog(harness)
    assert.ok(log.place.length > 0 && ['memory', 'embedded', 'kafka'].includes(log.kind))
    const { endOffset } = await partitionInfo(log, 't', 0)
    const reader = await log.openReader([at(0, endOffset)])
    const session = await log.open(taskOf({ startAt: 'latest' }))
    const waits = [reader.wait(Infinity), session.wait(Infinity)]
    await log.close()
    await log.close()
    for (const wait of waits) {
      assert.equal(await within(harness.limitMs, wait, 'closing ends it'), 'closed')
    }
    await reader.close()
    await session.close()
    const calls = [
      () => reader.poll(0),
      () => session.poll(0),
      () => session.commit(nothing),
      () => log.listTopics(),
      () => log.describeTopic('t'),
      () => log.createTopic('u'),
      () => log.append([batchOf('t', 0, 'a')]),
      () => log.openReader([at(0, 0)]),
      () => log.open(taskOf()),
      () => log.groups(),
      () => log.join(run),
    ]
    for (const call of calls) await refuses('log-closed', call, call.toString())
  }),
]

async function expectOneRun(log: Log, other: Log): Promise<void> {
  const member = await log.join(run)
  assert.deepEqual([...member.owned].toSorted(), ['main/0', 'main/1'])
  for (const second of [log, other]) {
    const error = await errorOf(() => second.join(run), 'a second run')
    assert.equal(error.code, 'pipeline-running')
    assert.ok((error.hint ?? '').length > 0, 'the error says what to do')
  }
  const elsewhere = await other.join({ ...run, pipeline: 'q' })
  assert.equal(elsewhere.owned.length, 2)
  await member.leave()
  await member.leave()
  assert.deepEqual([...member.owned], [])
  const next = await other.join(run)
  await member.leave()
  await refuses('pipeline-running', () => log.join(run), 'after an old member left again')
  assert.equal(next.owned.length, 2)
}

async function expectTakeOver(harness: LogHarness, first: Log, second: Log): Promise<void> {
  const old: Membership = await first.join(run)
  const session = await first.open(taskOf({ startAt: 'latest' }))
  type Change = Parameters<Parameters<Membership['onChange']>[0]>[0]
  const told = new Promise<Change>((resolve) => {
    old.onChange(async (change) => resolve(change))
  })
  const waiting = session.wait(Infinity)
  const member = await second.join(takeOver)
  assert.equal(member.owned.length, 2)
  const late = { ...nothing, offsets: [1], appends: [batchOf('t', 1, 'no')] }
  await refuses('task-fenced', () => session.commit(late), 'a commit of the earlier run')
  const change = await within(harness.limitMs, told, 'the earlier run is told')
  assert.deepEqual(
    { ...change, lost: [...change.lost].toSorted() },
    { gained: [], lost: ['main/0', 'main/1'], reason: 'fenced' },
  )
  assert.deepEqual([...old.owned], [])
  assert.equal(await within(harness.limitMs, waiting, 'fencing ends the wait'), 'closed')
  await old.leave()
  await refuses('pipeline-running', () => first.join(run), 'the new run goes on')
  const owner = await second.open(taskOf())
  assert.deepEqual([...owner.offsets], [0])
  await owner.commit({ ...nothing, offsets: [2] })
}
