/** C3 and C4, and L2, L6, L7 as a reader sees them. */
import assert from 'node:assert/strict'
import type { Log, Reader } from '../log.ts'
import { type CaseHarness, type LogCase, logCase, type LogHarness } from './log-case.ts'
import {
  batchOf,
  isPending,
  partitionInfo,
  readTo,
  recordsOf,
  refuses,
  seenIn,
  taskOf,
  valuesOf,
  within,
} from './log-probe.ts'
import { Written } from './written.ts'

/** A log with topic `t` of two partitions, the first one holding a0 b1 c2 | d3 e4. */
async function opened(harness: LogHarness): Promise<Log> {
  const log = await harness.open()
  await log.createTopic('t', { partitions: 2 })
  await log.append([batchOf('t', 0, 'a0', 'b1', 'c2')])
  await log.append([batchOf('t', 0, 'd3', 'e4')])
  return log
}

function readerAt(log: Log, offset: number, partition = 0): Promise<Reader> {
  return log.openReader([{ topic: 't', partition, offset }])
}

export const readerCases: readonly LogCase[] = [
  logCase('C3 a reader gives every record from its offset on, in order', async (harness) => {
    const log = await opened(harness)
    const all = ['a0', 'b1', 'c2', 'd3', 'e4']
    for (let offset = 0; offset < 5; offset++) {
      const reader = await readerAt(log, offset)
      const seen = await readTo(reader, { endOffset: 5, limitMs: harness.limitMs })
      assert.deepEqual(valuesOf(seen), all.slice(offset), `from ${offset}`)
      assert.equal(seen[0]?.offset, offset)
      assert.equal(reader.poll(0), null)
    }
  }),
  logCase('C3 records below the wished offset are cut off by `first`', async (harness) => {
    const log = await opened(harness)
    const reader = await readerAt(log, 4)
    assert.equal(await within(harness.limitMs, reader.wait(Infinity), 'a record'), 'ready')
    const batch = reader.poll(0)
    assert.ok(batch !== null)
    assert.equal(batch.offset(batch.first), 4)
    assert.deepEqual(valuesOf(seenIn(batch)), ['e4'])
  }),
  logCase('C3 a reader starts at the end or before, never above it', async (harness) => {
    const log = await opened(harness)
    await refuses('offset-out-of-range', () => readerAt(log, 6), 'offset 6 of 5')
    await refuses('offset-out-of-range', () => readerAt(log, 1, 1), 'offset 1 of 0')
    const reader = await readerAt(log, 5)
    assert.equal(reader.poll(0), null)
    assert.equal(reader.endOffset(0), 5)
    await refuses('unknown-partition', () => readerAt(log, 0, 2), 'partition 2 of 2')
  }),
  logCase('C3 inputs are read independently of one another', async (harness) => {
    const log = await opened(harness)
    await log.append([batchOf('t', 1, 'x0', 'y1')])
    const { limitMs } = harness
    const reader = await log.openReader([
      { topic: 't', partition: 1, offset: 0 },
      { topic: 't', partition: 0, offset: 2 },
      { topic: 't', partition: 1, offset: 1 },
    ])
    const read = async (input: number, endOffset: number): Promise<unknown> =>
      valuesOf(await readTo(reader, { input, endOffset, limitMs }))
    assert.deepEqual(await read(1, 5), ['c2', 'd3', 'e4'])
    assert.deepEqual(await read(2, 2), ['y1'])
    assert.deepEqual(await read(0, 2), ['x0', 'y1'])
    assert.deepEqual(
      [0, 1, 2].map((input) => reader.endOffset(input)),
      [2, 5, 2],
    )
  }),
  logCase('C3 seek goes on at another offset, forth and back', async (harness) => {
    const log = await opened(harness)
    const { limitMs } = harness
    const reader = await readerAt(log, 0)
    await readTo(reader, { endOffset: 1, limitMs })
    for (const offset of [4, 1, 0, 3]) {
      reader.seek(0, offset)
      const seen = await readTo(reader, { endOffset: 5, limitMs })
      assert.equal(seen[0]?.offset, offset)
      assert.equal(seen.length, 5 - offset)
    }
    reader.seek(0, 5)
    assert.equal(reader.poll(0), null)
    await log.append([batchOf('t', 0, 'f5')])
    assert.deepEqual(valuesOf(await readTo(reader, { endOffset: 6, limitMs })), ['f5'])
  }),
  logCase('C3 a polled batch stays as it is', async (harness) => {
    const log = await opened(harness)
    const reader = await readerAt(log, 0)
    await within(harness.limitMs, reader.wait(Infinity), 'a record')
    const batch = reader.poll(0)
    assert.ok(batch !== null)
    const before = seenIn(batch)
    for (let i = 0; i < 20; i++) {
      await log.append([batchOf('t', 0, 'x'.repeat(1000))])
      reader.poll(0)
    }
    await reader.close()
    assert.deepEqual(seenIn(batch), before)
  }),
  logCase('C3 wait is ready at once where records were not polled', async (harness) => {
    const reader = await readerAt(await opened(harness), 0)
    for (let i = 0; i < 2; i++) {
      assert.equal(await within(harness.limitMs, reader.wait(Infinity), 'a record'), 'ready')
    }
    assert.equal((await readTo(reader, { endOffset: 5, limitMs: harness.limitMs })).length, 5)
  }),
  logCase('C3 wait ends when records are appended', async (harness) => {
    const log = await opened(harness)
    const reader = await log.openReader([
      { topic: 't', partition: 0, offset: 5 },
      { topic: 't', partition: 1, offset: 0 },
    ])
    for (let i = 0; i < 3; i++) {
      assert.equal(reader.poll(1), null)
      const waiting = reader.wait(Infinity)
      assert.ok(await isPending(waiting), 'nothing to read, nothing to wake for')
      await log.append([batchOf('t', 1, String(i))])
      assert.equal(await within(harness.limitMs, waiting, 'the append wakes the reader'), 'ready')
      const options = { input: 1, endOffset: i + 1, limitMs: harness.limitMs }
      assert.deepEqual(valuesOf(await readTo(reader, options)), [String(i)])
      assert.equal(reader.endOffset(1), i + 1)
    }
  }),
  logCase(
    'C3 wait ends when another handle appends',
    async (harness) => {
      const log = await opened(harness)
      const other = await harness.open()
      const reader = await readerAt(log, 5)
      assert.equal(reader.poll(0), null)
      const waiting = reader.wait(Infinity)
      await other.append([batchOf('t', 0, 'f5')])
      assert.equal(await within(harness.limitMs, waiting, 'the append wakes the reader'), 'ready')
      const seen = await readTo(reader, { endOffset: 6, limitMs: harness.limitMs })
      assert.deepEqual(valuesOf(seen), ['f5'])
    },
    ['shared'],
  ),
  logCase('C3 wake ends a wait, or the next one, once', async (harness) => {
    const reader = await readerAt(await opened(harness), 5)
    const waiting = reader.wait(Infinity)
    assert.ok(await isPending(waiting))
    reader.wake()
    assert.equal(await within(harness.limitMs, waiting, 'wake'), 'ready')
    reader.wake()
    assert.equal(await within(harness.limitMs, reader.wait(Infinity), 'an earlier wake'), 'ready')
    const last = reader.wait(Infinity)
    assert.ok(await isPending(last), 'a wake counts once')
    await reader.close()
    assert.equal(await within(harness.limitMs, last, 'closing'), 'closed')
  }),
  logCase('C3 wait ends when the time is over, not before', async (harness) => {
    const reader = await readerAt(await opened(harness), 5)
    const { clock, limitMs } = harness
    assert.equal(await within(limitMs, reader.wait(0), 'no time'), 'timeout')
    const waiting = reader.wait(clock === null ? 30 : 1000)
    if (clock !== null) {
      clock.advance(999)
      assert.ok(await isPending(waiting), '1 ms before the end')
      clock.advance(1)
    }
    assert.equal(await within(limitMs, waiting, 'the time is over'), 'timeout')
  }),
  logCase('C3 a closed reader says so', async (harness) => {
    const reader = await readerAt(await opened(harness), 0)
    await reader.close()
    await reader.close()
    await refuses('log-closed', () => reader.poll(0), 'poll')
    await refuses('log-closed', () => reader.wait(0), 'wait')
    await refuses('log-closed', () => reader.endOffset(0), 'endOffset')
    await refuses('log-closed', () => reader.seek(0, 0), 'seek')
  }),
  logCase('C4 an offset by time is the smallest with that time or later', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2 })
    const times = [[10, 30, 20], [5], [31, 40, 40], [35]]
    for (const batch of times) {
      const records = batch.map((timeMs) => ({ key: null, value: 'v', timeMs }))
      await log.append([recordsOf('t', 0, records)])
    }
    const all = times.flat()
    for (const timeMs of [0, 5, 10, 11, 20, 30, 31, 32, 35, 40, 41]) {
      const first = all.findIndex((time) => time >= timeMs)
      const wanted = first === -1 ? all.length : first
      assert.equal(await log.offsetAtTime('t', 0, timeMs), wanted, `time ${timeMs}`)
    }
    assert.equal(await log.offsetAtTime('t', 1, 0), 0)
    await refuses('unknown-partition', () => log.offsetAtTime('t', 2, 0), 'partition 2 of 2')
  }),
  logCase('L6 a reader far behind holds no more than its limit', boundedPrefetch),
  logCase('L6 a batch larger than the limit is read all the same', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    const values = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000))
    for (const value of values) await log.append([batchOf('t', 0, value)])
    const places = [{ topic: 't', partition: 0, offset: 0 }]
    const reader = await log.openReader(places, { prefetchBytesMax: 1000 })
    const seen = await readTo(reader, { endOffset: 3, limitMs: harness.limitMs })
    assert.deepEqual(valuesOf(seen), values)
    const session = await log.open({ ...taskOf(), prefetchBytesMax: 1000 })
    const polled = await readTo(session, { endOffset: 3, limitMs: harness.limitMs })
    assert.deepEqual(valuesOf(polled), values)
  }),
]

/** 16 MiB of lag, a limit of 256 KiB: what the process holds grows by far less than the lag. */
async function boundedPrefetch(harness: CaseHarness): Promise<void> {
  const log = await harness.open()
  await log.createTopic('t', { partitions: 2 })
  const written = new Written(harness)
  const value = 'x'.repeat(65_536)
  for (let i = 0; i < 32; i++) {
    const values = Array.from({ length: 4 }, () => value)
    written.take(await log.append([batchOf('t', 0, ...values), batchOf('t', 1, ...values)]), [
      ['t', 0, 4],
      ['t', 1, 4],
    ])
  }
  const places = [0, 1].map((partition) => ({ topic: 't', partition, offset: 0 }))
  const before = process.memoryUsage().arrayBuffers
  const reader = await log.openReader(places, { prefetchBytesMax: 262_144 })
  await within(harness.limitMs, reader.wait(Infinity), 'a record')
  await isPending(new Promise(() => undefined)) // time to fetch more than it may
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 4 * 1_048_576, `${grown} bytes are held for a limit of 262144`)
  for (const input of [0, 1]) {
    const { endOffset } = await partitionInfo(log, 't', input)
    const seen = await readTo(reader, { input, endOffset, limitMs: harness.limitMs })
    assert.equal(seen.length, 128)
    assert.deepEqual(
      seen.map((record) => record.offset),
      written.of('t', input),
    )
  }
}
