/**
 * L1, L2 and L4: commits are all or nothing, are seen only when they succeed, and only the
 * owner's succeed.
 */
import assert from 'node:assert/strict'
import type { AppendBatch, Log, Session } from '../log.ts'
import { type LogCase, logCase, type LogHarness } from './log-case.ts'
import {
  batchOf,
  blob,
  breathe,
  isPending,
  nothing,
  partitionInfo,
  readAll,
  readTo,
  refuses,
  restored,
  taskOf,
  valuesOf,
  within,
} from './log-probe.ts'
import { filledLog } from './session-cases.ts'

export const ownerCases: readonly LogCase[] = [
  logCase('L1 a commit keeps records, offsets and changelog together', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    const appends = [batchOf('t', 1, 'x'), batchOf('t', 0, 'f5')]
    await session.commit({ offsets: [2], appends, changelog: blob('one') })
    await session.commit({ ...nothing, offsets: [3] })
    await session.commit({ ...nothing, changelog: blob('two') })
    await session.commit({ ...nothing, appends: [batchOf('t', 1, 'y')] })
    await expectState(harness, log, { offset: 3, blobs: ['one', 'two'], values: ['z', 'x', 'y'] })
    assert.equal((await readAll(harness, log, 't', 0)).length, 6)
    if (harness.isDense) assert.equal((await partitionInfo(log, 't', 0)).endOffset, 6)
  }),
  logCase(
    'L1 a commit with one bad append does nothing, and the next succeeds',
    async (harness) => {
      const log = await filledLog(harness)
      const session = await log.open(taskOf())
      const before = { offset: 1, blobs: ['one'], values: ['z'] }
      await session.commit({ offsets: [1], appends: [], changelog: blob('one') })
      const bad = [
        ['unknown-topic', batchOf('nowhere', 0, 'c')],
        ['unknown-partition', batchOf('t', 2, 'c')],
        ['record-too-large', batchOf('t', 0, 'x'.repeat(1001))],
      ] as const
      for (const [code, batch] of bad) {
        const appends = [batchOf('t', 1, 'x'), batch, batchOf('t', 1, 'y')]
        const commit = (): unknown =>
          session.commit({ offsets: [2], appends, changelog: blob('no') })
        await refuses(code, commit, `a batch for ${batch.topic}/${batch.partition}`)
        assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), before.values)
      }
      const appends = [batchOf('t', 1, 'x')]
      await session.commit({ offsets: [3], appends, changelog: blob('two') })
      await expectState(harness, log, { offset: 3, blobs: ['one', 'two'], values: ['z', 'x'] })
    },
  ),
  logCase('L1 what a refused commit leaves is nothing', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    await session.commit({ offsets: [1], appends: [], changelog: blob('one') })
    const appends = [batchOf('t', 1, 'x'), batchOf('nowhere', 0, 'c')]
    const commit = (): unknown => session.commit({ offsets: [2], appends, changelog: blob('<no>') })
    await refuses('unknown-topic', commit, 'the commit')
    await expectState(harness, log, { offset: 1, blobs: ['one'], values: ['z'] })
  }),
  logCase('L2 a reader sees nothing of a commit that fails', async (harness) => {
    const log = await filledLog(harness)
    const { endOffset } = await partitionInfo(log, 't', 1)
    const reader = await log.openReader([{ topic: 't', partition: 1, offset: endOffset }])
    const waiting = reader.wait(Infinity)
    const session = await log.open(taskOf())
    const appends = [batchOf('t', 1, 'x'), batchOf('t', 9, 'c')]
    await refuses('unknown-partition', () => session.commit({ ...nothing, appends }), 'the commit')
    await log.open(taskOf())
    const late = [batchOf('t', 1, 'late')]
    await refuses('task-fenced', () => session.commit({ ...nothing, appends: late }), 'fenced')
    if (harness.isDense) {
      assert.ok(await isPending(waiting), 'nothing was appended')
      assert.equal(reader.poll(0), null)
      assert.equal((await partitionInfo(log, 't', 1)).endOffset, 1)
    }
    await log.append([batchOf('t', 1, 'good')])
    assert.equal(await within(harness.limitMs, waiting, 'the append wakes the reader'), 'ready')
    const end = (await partitionInfo(log, 't', 1)).endOffset
    const seen = await readTo(reader, { endOffset: end, limitMs: harness.limitMs })
    assert.deepEqual(valuesOf(seen), ['good'])
  }),
  logCase(
    'L2 what a commit shows, it shows whole',
    async (harness) => {
      const log = await filledLog(harness)
      const session = await log.open(taskOf())
      for (let round = 0; round < 20; round++) {
        const appends = [batchOf('t', 0, 'p', 'q'), batchOf('t', 1, 'r')]
        const commit = session.commit({ ...nothing, appends })
        let isSettled = false
        const settle = (): void => void (isSettled = true)
        commit.then(settle, settle)
        while (!isSettled) {
          const { partitions } = await log.describeTopic('t')
          const [left = 0, right = 0] = partitions.map((partition) => partition.endOffset)
          assert.equal(left - 5, (right - 1) * 2, 'both partitions or none')
          await breathe()
        }
        await commit
      }
      assert.equal((await partitionInfo(log, 't', 0)).endOffset, 45)
    },
    ['dense', 'instant'],
  ),
  logCase('L2 what a partition shows of a commit, it shows whole', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    for (let round = 1; round <= 20; round++) {
      const appends = [batchOf('t', 0, 'p'), batchOf('t', 1, 'r'), batchOf('t', 0, 'q', 's')]
      const commit = session.commit({ ...nothing, appends })
      let isSettled = false
      const settle = (): void => void (isSettled = true)
      commit.then(settle, settle)
      do {
        const count = (await readNow(harness, log)) - 5
        assert.equal(count % 3, 0, `${count} records of commits of three`)
        await breathe()
      } while (!isSettled)
      await commit
      assert.equal((await readAll(harness, log, 't', 0)).length, 5 + round * 3)
      assert.equal((await readAll(harness, log, 't', 1)).length, 1 + round)
    }
  }),
  logCase('L3 records of commits and appends never change their order', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    for (let i = 0; i < 5; i++) {
      const appends = [batchOf('t', 1, `${i}a`, `${i}b`), batchOf('t', 1, `${i}c`)]
      await session.commit({ ...nothing, appends })
      await log.append([batchOf('t', 1, `${i}d`)])
    }
    const wanted = [0, 1, 2, 3, 4].flatMap((i) => ['a', 'b', 'c', 'd'].map((name) => `${i}${name}`))
    const seen = await readAll(harness, log, 't', 1)
    assert.deepEqual(valuesOf(seen), ['z', ...wanted])
    for (const [i, { offset }] of seen.entries()) {
      if (harness.isDense) assert.equal(offset, i)
      else assert.ok(offset > (seen[i - 1]?.offset ?? -1), 'offsets rise')
    }
  }),
  logCase('L4 whoever opens later fences the earlier owner', async (harness) => {
    const log = await filledLog(harness)
    await expectFencing(harness, log, log)
  }),
  logCase(
    'L4 an owner is fenced from another handle too',
    async (harness) => {
      const log = await filledLog(harness)
      await expectFencing(harness, log, await harness.open())
    },
    ['shared'],
  ),
  logCase('L4 epochs grow with every open', async (harness) => {
    const log = await filledLog(harness)
    let last = -1
    for (let i = 0; i < 4; i++) {
      const session = await log.open(taskOf())
      assert.ok(session.epoch > last, `epoch ${session.epoch} after ${last}`)
      last = session.epoch
      if (i % 2 === 0) await session.close()
    }
  }),
  logCase('L4 closing the fenced session leaves the new owner alone', async (harness) => {
    const log = await filledLog(harness)
    const [old, owner] = [await log.open(taskOf()), await log.open(taskOf())]
    await old.close()
    await owner.commit({ ...nothing, offsets: [2] })
    await owner.close()
    assert.deepEqual([...(await log.open(taskOf())).offsets], [2])
  }),
  logCase('L4 tasks of another name or pipeline are not fenced', async (harness) => {
    const log = await filledLog(harness)
    const specs = [taskOf(), taskOf({ task: 'main/1' }), taskOf({ pipeline: 'q' })]
    const sessions: Session[] = []
    for (const spec of specs) sessions.push(await log.open(spec))
    for (const session of sessions) await session.commit({ ...nothing, offsets: [1] })
  }),
  logCase('L4 an open that is refused leaves the task to its owner', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    await refuses('unknown-partition', () => log.open(taskOf({ partitions: [7] })), 'the open')
    await session.commit({ ...nothing, offsets: [1] })
  }),
]

/** Opens a task on both handles and expects that the first one has lost it. */
async function expectFencing(harness: LogHarness, first: Log, second: Log): Promise<void> {
  const { limitMs } = harness
  const old = await first.open(taskOf({ startAt: 'latest' }))
  await old.commit({ offsets: [1], appends: [], changelog: blob('one') })
  const waiting = old.wait(Infinity)
  const owner = await second.open(taskOf())
  assert.equal(await within(limitMs, waiting, 'fencing ends the wait'), 'closed')
  assert.ok(owner.epoch > old.epoch)
  assert.deepEqual([...owner.offsets], [1])
  const appends = (): AppendBatch[] => [batchOf('t', 1, 'no')]
  for (let i = 0; i < 2; i++) {
    const commit = (): unknown =>
      old.commit({ offsets: [5], appends: appends(), changelog: blob('<no>') })
    await refuses('task-fenced', commit, 'the commit of the fenced session')
  }
  await refuses('task-fenced', () => old.commit(nothing), 'an empty commit')
  assert.equal(await within(limitMs, old.wait(Infinity), 'a fenced session'), 'closed')
  await old.close()
  await owner.commit({ offsets: [2], appends: [batchOf('t', 1, 'yes')], changelog: blob('two') })
  await owner.close()
  const state = { offset: 2, blobs: ['one', 'two'], values: ['z', 'yes'] }
  await expectState(harness, second, state)
}

/** Records of t/0 up to its end of this moment; more may come meanwhile. */
async function readNow({ limitMs }: LogHarness, log: Log): Promise<number> {
  const { endOffset } = await partitionInfo(log, 't', 0)
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
  const seen = await readTo(reader, { endOffset, limitMs })
  await reader.close()
  return seen.length
}

interface State {
  /** Committed for t/0. */
  readonly offset: number
  readonly blobs: readonly string[]
  /** Of t/1. */
  readonly values: readonly string[]
}

/** What a new owner finds; fences the present one. */
async function expectState(harness: LogHarness, log: Log, wanted: State): Promise<void> {
  const session = await log.open(taskOf())
  assert.deepEqual([...session.offsets], [wanted.offset], 'committed offset')
  assert.deepEqual(await restored(session), wanted.blobs, 'changelog')
  assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), wanted.values, 'records')
  await session.close()
}
