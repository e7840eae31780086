/** C5: where a session starts, what it reads, what a commit keeps, what is restored. */
import assert from 'node:assert/strict'
import type { CommitBatch, Log } from '../log.ts'
import { type LogCase, logCase, type LogHarness } from './log-case.ts'
import {
  batchOf,
  blob,
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
import { Written } from './written.ts'

/** A log with topic `t` of two partitions, 0 with five records and 1 with one. */
export async function filledLog(harness: LogHarness): Promise<Log> {
  const log = await harness.open()
  await log.createTopic('t', { partitions: 2, recordBytesMax: 1000 })
  await log.append([batchOf('t', 0, 'a0', 'b1', 'c2'), batchOf('t', 1, 'z')])
  await log.append([batchOf('t', 0, 'd3', 'e4')])
  return log
}

export const sessionCases: readonly LogCase[] = [
  logCase('C5 a new task starts at the earliest or the latest record', async (harness) => {
    const log = await filledLog(harness)
    const spec = { ...taskOf({ partitions: [0, 1] }), startAt: ['latest', 'earliest'] as const }
    const session = await log.open(spec)
    const end = async (partition: number): Promise<number> =>
      (await partitionInfo(log, 't', partition)).endOffset
    assert.deepEqual([...session.offsets], [await end(0), 0])
    if (harness.isDense) assert.equal(await end(0), 5)
    assert.deepEqual([...session.skipped], [0, 0])
    assert.deepEqual(session.spec, spec)
    assert.equal(session.poll(0), null)
    const { limitMs } = harness
    const other = { input: 1, endOffset: await end(1), limitMs }
    assert.deepEqual(valuesOf(await readTo(session, other)), ['z'])
    await log.append([batchOf('t', 0, 'f5')])
    const own = { endOffset: await end(0), limitMs }
    assert.deepEqual(valuesOf(await readTo(session, own)), ['f5'])
    assert.deepEqual([session.endOffset(0), session.endOffset(1)], [await end(0), await end(1)])
  }),
  logCase('C5 a task goes on at what it committed, whatever startAt says', async (harness) => {
    const log = await filledLog(harness)
    const first = await log.open(taskOf({ partitions: [0, 1] }))
    await first.commit({ ...nothing, offsets: [2, 0] })
    await first.close()
    const second = await log.open(taskOf({ partitions: [0, 1], startAt: 'latest' }))
    assert.deepEqual([...second.offsets], [2, 0])
    const seen = await readTo(second, { endOffset: 5, limitMs: harness.limitMs })
    assert.deepEqual(valuesOf(seen), ['c2', 'd3', 'e4'])
    assert.equal(seen[0]?.offset, 2)
  }),
  logCase('C5 an offset of -1 leaves the committed one as it is', async (harness) => {
    const log = await filledLog(harness)
    const reopen = async (): Promise<number[]> => [
      ...(await log.open(taskOf({ partitions: [0, 1], startAt: 'latest' }))).offsets,
    ]
    const session = await log.open(taskOf({ partitions: [0, 1] }))
    await session.commit({ ...nothing, offsets: [3, -1] })
    await session.commit({ ...nothing, offsets: [-1, -1] })
    await session.close()
    const { endOffset } = await partitionInfo(log, 't', 1)
    assert.deepEqual(await reopen(), [3, endOffset], 'nothing was committed for the second input')
    const again = await log.open(taskOf({ partitions: [0, 1] }))
    await again.commit({ ...nothing, offsets: [-1, 0] })
    await again.close()
    assert.deepEqual(await reopen(), [3, 0])
  }),
  logCase('C5 a receipt has the offsets of each append, in order', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    const appends = [batchOf('t', 1, 'x', 'y'), batchOf('t', 0, 'f5'), batchOf('t', 1, 'w')]
    const written = new Written(harness)
    for (const [partition, count] of [5, 1].entries()) {
      const there = (await readAll(harness, log, 't', partition)).map(({ offset }) => offset)
      assert.equal(there.length, count)
      written.of('t', partition).push(...there)
    }
    const { appended } = await session.commit({ offsets: [1], appends, changelog: null })
    written.take(appended, [
      ['t', 1, 2],
      ['t', 0, 1],
      ['t', 1, 1],
    ])
    assert.deepEqual((await session.commit(nothing)).appended, [])
    const seen = await readAll(harness, log, 't', 1)
    assert.deepEqual(valuesOf(seen), ['z', 'x', 'y', 'w'])
    assert.deepEqual(
      seen.map(({ offset }) => offset),
      written.of('t', 1),
    )
  }),
  logCase('C5 a session polls while it commits, and reads what it appended', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    const values: (string | null)[] = []
    for (let end = 5; end < 15; end++) {
      const appends = [batchOf('t', 0, `own${end}`)]
      const commit = session.commit({ offsets: [values.length], appends, changelog: null })
      const seen = await readTo(session, { endOffset: end, limitMs: harness.limitMs })
      values.push(...valuesOf(seen.filter((record) => record.offset < end)))
      await commit
      // The commit in flight may have become readable while reading.
      values.push(...valuesOf(seen.filter((record) => record.offset >= end)))
    }
    const wanted = ['a0', 'b1', 'c2', 'd3', 'e4']
    for (let own = 5; own < 14; own++) wanted.push(`own${own}`)
    assert.deepEqual(values.slice(0, 14), wanted)
  }),
  logCase('C5 wait ends for an append, a wake, the time, and closing', async (harness) => {
    const log = await filledLog(harness)
    const { limitMs } = harness
    const session = await log.open(taskOf({ partitions: [0, 1], startAt: 'latest' }))
    const appended = session.wait(Infinity)
    assert.ok(await isPending(appended), 'nothing to read')
    await log.append([batchOf('t', 1, 'y')])
    assert.equal(await within(limitMs, appended, 'an append wakes the session'), 'ready')
    await readTo(session, { input: 1, endOffset: 2, limitMs })
    assert.equal(await within(limitMs, session.wait(0), 'no time'), 'timeout')
    session.wake()
    assert.equal(await within(limitMs, session.wait(Infinity), 'an earlier wake'), 'ready')
    const woken = session.wait(Infinity)
    session.wake()
    assert.equal(await within(limitMs, woken, 'wake'), 'ready')
    const closed = session.wait(Infinity)
    await session.close()
    assert.equal(await within(limitMs, closed, 'closing'), 'closed')
  }),
  logCase('C5 close waits for the commit in flight, then the session says so', async (harness) => {
    const log = await filledLog(harness)
    const session = await log.open(taskOf())
    let isCommitted = false
    const commit = session.commit({
      offsets: [4],
      appends: [batchOf('t', 1, 'x')],
      changelog: blob('c'),
    })
    const done = commit.then(() => (isCommitted = true))
    done.catch(() => undefined) // awaited below
    await session.close()
    assert.ok(isCommitted, 'the commit has settled when close returns')
    await done
    await session.close()
    await refuses('log-closed', () => session.poll(0), 'poll')
    await refuses('log-closed', () => session.wait(0), 'wait')
    await refuses('log-closed', () => session.endOffset(0), 'endOffset')
    await refuses('log-closed', () => session.commit(nothing), 'commit')
    const next = await log.open(taskOf())
    assert.deepEqual([...next.offsets], [4])
    assert.deepEqual(await restored(next), ['c'])
  }),
  logCase('C5 without a complete round every blob is restored, in order', async (harness) => {
    const log = await filledLog(harness)
    const texts = ['a', 'b<', '<c', '', 'd'.repeat(100_000)]
    for (const text of texts) await commitBlob(log, text)
    const session = await log.open(taskOf())
    await session.commit(nothing)
    await session.close()
    assert.deepEqual(await restored(await log.open(taskOf())), texts)
  }),
  logCase('C5 every blob from the last complete round on is restored', async (harness) => {
    const log = await filledLog(harness)
    await expectRounds(log, (same) => same)
  }),
  logCase(
    'C5 rounds outlive the log',
    async (harness) => {
      const log = await filledLog(harness)
      await expectRounds(log, async (last) => {
        await last.close()
        return await harness.open()
      })
    },
    ['reopen'],
  ),
  logCase('C5 tasks keep offsets and changelogs apart', async (harness) => {
    const log = await filledLog(harness)
    const specs = [
      taskOf({ isShared: true }),
      taskOf({ task: 'other/0', isShared: true }),
      taskOf({ pipeline: 'q' }),
      taskOf({ pipeline: 'p/main', task: '0' }),
      taskOf({ pipeline: 'p/', task: 'main/0' }),
    ]
    for (const [i, spec] of specs.entries()) {
      const session = await log.open(spec)
      assert.deepEqual([...session.offsets], [0])
      assert.deepEqual(await restored(session), [])
      await session.commit({ offsets: [i], appends: [], changelog: blob(`blob ${i}`) })
      await session.close()
    }
    for (const [i, spec] of specs.entries()) {
      const session = await log.open(spec)
      assert.deepEqual([...session.offsets], [i])
      assert.deepEqual(await restored(session), [`blob ${i}`])
    }
  }),
  logCase('C5 a task needs inputs that exist', async (harness) => {
    const log = await filledLog(harness)
    await refuses('unknown-topic', () => log.open(taskOf({ topic: 'nowhere' })), 'its topic')
    await refuses(
      'unknown-partition',
      () => log.open(taskOf({ partitions: [0, 2] })),
      'partition 2',
    )
  }),
  logCase(
    'L5 a commit is kept although the log is closed right after it',
    async (harness) => {
      let log = await filledLog(harness)
      const commits: readonly CommitBatch[] = [
        { ...nothing, offsets: [1] },
        { ...nothing, changelog: blob('one') },
        { ...nothing, appends: [batchOf('t', 1, 'x')] },
        { offsets: [2], appends: [batchOf('t', 1, 'y')], changelog: blob('two') },
      ]
      for (const commit of commits) {
        const session = await log.open(taskOf())
        await session.commit(commit)
        await log.close()
        log = await harness.open()
      }
      const session = await log.open(taskOf())
      assert.deepEqual([...session.offsets], [2])
      assert.deepEqual(await restored(session), ['one', 'two'])
      assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), ['z', 'x', 'y'])
    },
    ['reopen'],
  ),
  logCase(
    'L5 records, offsets and changelog of a commit outlive the log',
    async (harness) => {
      const log = await filledLog(harness)
      const session = await log.open(taskOf({ partitions: [0, 1] }))
      const appends = [batchOf('t', 1, 'x', 'y')]
      await session.commit({ offsets: [3, 1], appends, changelog: blob('state') })
      await log.close()
      const again = await harness.open()
      assert.deepEqual(valuesOf(await readAll(harness, again, 't', 1)), ['z', 'x', 'y'])
      const next = await again.open(taskOf({ partitions: [0, 1] }))
      assert.deepEqual([...next.offsets], [3, 1])
      assert.deepEqual(await restored(next), ['state'])
      assert.ok(next.epoch > session.epoch, 'epochs go on')
    },
    ['reopen'],
  ),
]

async function commitBlob(log: Log, text: string): Promise<void> {
  const session = await log.open(taskOf())
  for await (const bytes of session.restore()) void bytes
  await session.commit({ ...nothing, changelog: blob(text) })
  await session.close()
}

/** What must be restored after each blob; `<` starts a round, `>` ends it. */
const rounds: readonly (readonly [blob: string, restored: readonly string[]])[] = [
  ['0', ['0']],
  ['<1', ['0', '<1']],
  ['2', ['0', '<1', '2']],
  ['3>', ['<1', '2', '3>']],
  ['4', ['<1', '2', '3>', '4']],
  ['<5', ['<1', '2', '3>', '4', '<5']],
  ['6', ['<1', '2', '3>', '4', '<5', '6']],
  ['7>', ['<5', '6', '7>']],
  ['<8>', ['<8>']],
  ['<9', ['<8>', '<9']],
  // A round given up half way and begun anew counts from its second start.
  ['<10', ['<8>', '<9', '<10']],
  ['11>', ['<10', '11>']],
  ['<12>', ['<12>']],
  ['13', ['<12>', '13']],
]

/** Commits each blob; `again` may put another handle in place before what it left is restored. */
async function expectRounds(first: Log, again: (log: Log) => Log | Promise<Log>): Promise<void> {
  let log = first
  for (const [text, wanted] of rounds) {
    await commitBlob(log, text)
    log = await again(log)
    const session = await log.open(taskOf())
    assert.deepEqual(await restored(session), wanted, `after ${text}`)
    await session.close()
  }
}
