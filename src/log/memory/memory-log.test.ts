import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { isCode, type MillraceError } from '../../core/error.ts'
import { BatchBuilder } from '../batch.ts'
import type { Log, TaskSpec } from '../log.ts'
import { openMemoryLog } from './memory-log.ts'
import { MemoryStore } from './memory-store.ts'

/** A clock whose timers are counted; the log must not start one by itself. */
class CountingClock extends VirtualClock {
  timerCount = 0
  override after(delayMs: number, run: () => void): () => void {
    this.timerCount += 1
    return super.after(delayMs, run)
  }
}

const task: TaskSpec = {
  pipeline: 'p',
  task: 'main/0',
  inputs: [{ topic: 't', partition: 0 }],
  startAt: ['earliest'],
}

function block(...values: string[]): Uint8Array {
  const builder = new BatchBuilder()
  for (const value of values) builder.add('k', value, 1)
  return builder.finish()
}

async function put(log: Log, ...values: string[]): Promise<void> {
  await log.append([{ topic: 't', partition: 0, bytes: block(...values) }])
}

test('a batch is stored as the block that the caller gave', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  const bytes = block('a', 'b')
  await log.append([{ topic: 't', partition: 0, bytes }])
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
  assert.equal(reader.poll(0)?.bytes.buffer, bytes.buffer)
})

test('L1 a commit has happened when commit returns, and resolves in a microtask', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  const session = await log.open(task)
  let isSettled = false
  const appends = [{ topic: 't', partition: 0, bytes: block('a') }]
  const commit = session.commit({ offsets: [0], appends, changelog: null })
  void commit.then(() => (isSettled = true))
  assert.equal(session.endOffset(0), 1)
  for (let i = 0; i < 5; i++) await Promise.resolve()
  assert.equal(isSettled, true)
})

test('no timer is started but by a wait that may time out, and it is cancelled', async () => {
  const clock = new CountingClock()
  const log = openMemoryLog({ clock })
  await log.createTopic('t')
  const session = await log.open(task)
  await put(log, 'a')
  session.poll(0)
  await session.commit({ offsets: [1], appends: [], changelog: null })
  const forEver = session.wait(Infinity)
  session.wake()
  assert.equal(await forEver, 'ready')
  assert.equal(clock.timerCount, 0)
  const limited = session.wait(10)
  clock.advance(9)
  assert.equal(clock.timerCount, 1)
  clock.advance(1)
  assert.equal(await limited, 'timeout')
})

test('two waits or two commits at once are an assertion', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  const session = await log.open(task)
  const first = session.wait(Infinity)
  const hasCode = (error: unknown): boolean => isCode(error, 'assertion-failed')
  await assert.rejects(session.wait(Infinity), hasCode)
  const empty = { offsets: [-1], appends: [], changelog: null }
  const commit = session.commit(empty)
  await assert.rejects(session.commit(empty), hasCode)
  await commit
  await assert.rejects(session.commit({ ...empty, offsets: [1] }), hasCode)
  await assert.rejects(session.commit({ ...empty, offsets: [] }), hasCode)
  await session.close()
  assert.equal(await first, 'closed')
})

test('logs on one store share data, logs without do not', async () => {
  const store = new MemoryStore()
  const [one, other] = [openMemoryLog({ store }), openMemoryLog({ store })]
  await one.createTopic('t')
  const reader = await other.openReader([{ topic: 't', partition: 0, offset: 0 }])
  const waiting = reader.wait(Infinity)
  await put(one, 'a')
  assert.equal(await waiting, 'ready')
  await one.close()
  assert.equal(reader.poll(0)?.value(0)?.toString(), 'a')
  assert.deepEqual(await openMemoryLog().listTopics(), [])
})

test('retention deletes by age and by size, and nothing before maintain is called', async () => {
  const clock = new VirtualClock(1_000)
  const log = openMemoryLog({ clock })
  await log.createTopic('t', { retentionMs: 100 })
  await put(log, 'a')
  clock.advance(60)
  await put(log, 'b')
  clock.advance(41)
  const start = async (): Promise<number | undefined> =>
    (await log.describeTopic('t')).partitions[0]?.startOffset
  assert.equal(await start(), 0)
  await log.maintain()
  assert.equal(await start(), 1)
  await log.alterTopic('t', { retentionMs: null, retentionBytes: 1 })
  await put(log, 'c')
  await log.maintain()
  assert.equal(await start(), 2) // the newest batch stays, although it is over the limit
})

test('compaction keeps the newest of each key, tombstones, blocks without change', async () => {
  const log = openMemoryLog()
  await log.createTopic('t', { cleanup: 'compact' })
  const builder = new BatchBuilder()
  builder.add('a', '1', 1)
  builder.add('b', '2', 2, [{ name: 'h', value: Buffer.from('x') }])
  builder.add('a', null, 3)
  builder.add('b', '3', 4)
  const untouched = new BatchBuilder()
  untouched.add('c', '4', 5)
  await log.append([{ topic: 't', partition: 0, bytes: builder.finish() }])
  await log.append([{ topic: 't', partition: 0, bytes: untouched.finish() }])
  await log.maintain()
  await log.maintain()
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
  const seen: unknown[] = []
  for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
    for (let i = batch.first; i < batch.count; i++) {
      seen.push([batch.offset(i), batch.key(i)?.toString(), batch.value(i)?.toString() ?? null])
    }
  }
  assert.deepEqual(seen, [
    [2, 'a', null],
    [3, 'b', '3'],
    [4, 'c', '4'],
  ])
})

test('a running pipeline keeps its group, and the error says who runs it', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  const session = await log.open(task)
  await put(log, 'a')
  await session.commit({ offsets: [1], appends: [], changelog: null })
  const saysWho = (error: MillraceError): boolean =>
    error.code === 'pipeline-running' && error.message.includes('this process')
  await assert.rejects(log.deleteGroup('p'), saysWho)
  await assert.rejects(log.commitGroup('p', []), saysWho)
  await session.close()
  await log.commitGroup('p', [{ topic: 't', partition: 0, offset: 0 }])
  assert.deepEqual((await log.open(task)).offsets, [0])
})

test('a repeated stamp with more batches than the first is refused', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  const batch = { topic: 't', partition: 0, bytes: block('a') }
  await log.append([batch], { producer: 'x', sequence: 0 })
  const twice = log.append([batch, batch], { producer: 'x', sequence: 0 })
  await assert.rejects(twice, (error) => isCode(error, 'invalid-argument'))
})

test('a block with holes or damage is refused', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  const builder = new BatchBuilder()
  builder.addAt(0, null, Buffer.from('a'), 1)
  builder.addAt(2, null, Buffer.from('b'), 1)
  const holes = log.append([{ topic: 't', partition: 0, bytes: builder.finish() }])
  await assert.rejects(holes, (error) => isCode(error, 'invalid-argument'))
  const damaged = block('a')
  damaged[damaged.length - 1] = 0
  const append = log.append([{ topic: 't', partition: 0, bytes: damaged }])
  await assert.rejects(append, (error) => isCode(error, 'log-damaged'))
})
