/**
 * C9: what retention and compaction delete, and what readers and tasks behind them see. L7:
 * partitions.
 */
import assert from 'node:assert/strict'
import type { AppendBatch, Log } from '../log.ts'
import { partitionOf } from '../partitioner.ts'
import { type LogCase, logCase } from './log-case.ts'
import {
  batchOf,
  nothing,
  partitionInfo,
  readAll,
  readTo,
  recordsOf,
  type SeenRecord,
  taskOf,
  valuesOf,
} from './log-probe.ts'

const batchBytes = 10_000

/** Ten batches of one record, about 10,000 bytes each; values start with 0 to 9. */
async function fill(log: Log, count = 10): Promise<void> {
  for (let i = 0; i < count; i++) {
    await log.append([batchOf('t', 0, `${i}`.padEnd(batchBytes, '.'))])
  }
}

function digits(seen: readonly SeenRecord[]): string {
  return valuesOf(seen)
    .map((value) => value?.charAt(0))
    .join('')
}

export const retentionCases: readonly LogCase[] = [
  logCase(
    'C9 without limits nothing is deleted',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t')
      await fill(log)
      harness.clock?.advance(1_000_000_000)
      await harness.maintain(log)
      assert.equal(digits(await readAll(harness, log)), '0123456789')
    },
    ['maintain'],
  ),
  logCase(
    'C9 the oldest batches go while a partition is over its size',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t', { partitions: 2, retentionBytes: 4.5 * batchBytes })
      await log.append([batchOf('t', 1, 'other')])
      await fill(log)
      await harness.maintain(log)
      const info = await partitionInfo(log, 't', 0)
      assert.ok(info.bytes <= 4.5 * batchBytes, `${info.bytes} bytes are left`)
      assert.ok(info.startOffset <= 7, `${info.startOffset}: three batches fit well`)
      assert.equal(info.endOffset, 10)
      const seen = await readAll(harness, log)
      assert.equal(digits(seen), '0123456789'.slice(info.startOffset))
      assert.equal(seen[0]?.offset, info.startOffset)
      assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), ['other'])
    },
    ['maintain'],
  ),
  logCase(
    'C9 batches go by the time they were appended, not by record time',
    async (harness) => {
      const { clock } = harness
      assert.ok(clock !== null)
      const log = await harness.open()
      await log.createTopic('t', { retentionMs: 1000 })
      await fill(log, 2)
      clock.advance(600)
      const future = { key: 'k', value: '2', timeMs: 1e15 }
      await log.append([recordsOf('t', 0, [future])])
      clock.advance(399)
      await harness.maintain(log)
      assert.equal(digits(await readAll(harness, log)), '012', 'none is a second old')
      clock.advance(2)
      await harness.maintain(log)
      assert.equal(digits(await readAll(harness, log)), '2')
      clock.advance(1000)
      await harness.maintain(log)
      const info = await partitionInfo(log, 't', 0)
      assert.deepEqual([info.startOffset, info.endOffset], [3, 3])
      assert.equal((await log.append([batchOf('t', 0, '3')]))[0]?.baseOffset, 3)
    },
    ['maintain', 'virtual-clock'],
  ),
  logCase(
    'C9 whoever is behind the start moves up to it, and is told',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t', { retentionBytes: 4.5 * batchBytes })
      await fill(log)
      const open = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
      const session = await log.open(taskOf())
      await session.commit({ ...nothing, offsets: [2] })
      await session.close()
      await harness.maintain(log)
      const { startOffset } = await partitionInfo(log, 't', 0)
      assert.ok(startOffset > 2)
      const { limitMs } = harness
      const late = await log.openReader([{ topic: 't', partition: 0, offset: 1 }])
      assert.equal((await readTo(late, { endOffset: 10, limitMs }))[0]?.offset, startOffset)
      late.seek(0, 0)
      assert.equal((await readTo(late, { endOffset: 10, limitMs }))[0]?.offset, startOffset)
      const kept = '0123456789'.slice(startOffset)
      // A reader opened before may still hold what it fetched; what was deleted is a gap then.
      assert.ok(digits(await readTo(open, { endOffset: 10, limitMs })).endsWith(kept))
      const behind = await log.open(taskOf())
      assert.deepEqual([...behind.offsets], [startOffset])
      assert.deepEqual([...behind.skipped], [startOffset - 2])
      assert.equal(digits(await readTo(behind, { endOffset: 10, limitMs })), kept)
      await behind.close()
      const fresh = await log.open(taskOf({ task: 'fresh' }))
      assert.deepEqual([[...fresh.offsets], [...fresh.skipped]], [[startOffset], [0]])
    },
    ['maintain'],
  ),
  logCase(
    'C9 offsets go on after everything was deleted and the log reopened',
    async (harness) => {
      const { clock } = harness
      assert.ok(clock !== null)
      const log = await harness.open()
      await log.createTopic('t', { retentionMs: 1000 })
      await fill(log, 3)
      const session = await log.open(taskOf())
      await session.commit({ ...nothing, offsets: [1] })
      clock.advance(5000)
      await harness.maintain(log)
      await log.close()
      const again = await harness.open()
      const info = await partitionInfo(again, 't', 0)
      assert.deepEqual([info.startOffset, info.endOffset, info.bytes], [3, 3, 0])
      const behind = await again.open(taskOf())
      assert.deepEqual([[...behind.offsets], [...behind.skipped]], [[3], [2]])
      assert.equal((await again.append([batchOf('t', 0, '3')]))[0]?.baseOffset, 3)
    },
    ['maintain', 'virtual-clock', 'reopen'],
  ),
  logCase(
    'C9 compaction keeps the newest record of each key where it is',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t', { cleanup: 'compact' })
      await fillKeys(log)
      const before = await readAll(harness, log)
      await harness.maintain(log)
      await harness.maintain(log)
      const after = await readAll(harness, log)
      expectCompacted(before, after)
      assert.ok(
        after.length < before.length / 2,
        `${after.length} of ${before.length} records left`,
      )
      const { startOffset, endOffset } = await partitionInfo(log, 't', 0)
      assert.deepEqual([startOffset, endOffset], [after[0]?.offset, before.length])
      assert.equal((await log.append([batchOf('t', 0, 'x')]))[0]?.baseOffset, before.length)
    },
    ['maintain'],
  ),
  logCase(
    'C9 any offset can be read from after compaction',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t', { cleanup: 'compact' })
      await fillKeys(log)
      const places = [{ topic: 't', partition: 0, offset: 0 }]
      const reader = await log.openReader(places)
      reader.poll(0)
      await harness.maintain(log)
      const all = await readAll(harness, log)
      const { endOffset } = await partitionInfo(log, 't', 0)
      const { limitMs } = harness
      for (let offset = 0; offset < endOffset; offset += 7) {
        reader.seek(0, offset)
        const seen = await readTo(reader, { endOffset, limitMs })
        assert.deepEqual(
          seen,
          all.filter((record) => record.offset >= offset),
          `from ${offset}`,
        )
      }
      const times = all.map((record) => record.timeMs)
      const timeMs = times[times.length >> 1] ?? 0
      const wanted = all.find((record) => record.timeMs >= timeMs)?.offset
      assert.equal(await log.offsetAtTime('t', 0, timeMs), wanted)
    },
    ['maintain'],
  ),
  logCase('L7 a key goes where Kafka puts it', async (harness) => {
    // Partitions by org.apache.kafka.common.utils.Utils.murmur2, whose tests list these hashes.
    const hashes: readonly (readonly [string, number])[] = [
      ['21', -973_932_308],
      ['foobar', -790_332_482],
      ['a-little-bit-long-string', -985_981_536],
      ['a-little-bit-longer-string', -1_486_304_829],
      ['abc', 479_470_107],
    ]
    const log = await harness.open()
    await log.createTopic('t', { partitions: 7 })
    for (const [key, hash] of hashes) {
      const partition = partitionOf(Buffer.from(key), 7)
      assert.equal(partition, (hash & 0x7fff_ffff) % 7, key)
      await log.append([recordsOf('t', partition, [{ key, value: key, timeMs: 1 }])])
      assert.equal((await readAll(harness, log, 't', partition)).at(-1)?.key, key)
    }
  }),
]

/** Two hundred records of seven keys in twenty batches, values and tombstones. */
async function fillKeys(log: Log): Promise<void> {
  for (let i = 0; i < 20; i++) await log.append([keyBatch(i)])
}

function keyBatch(batch: number): AppendBatch {
  const records = Array.from({ length: 10 }, (_, i) => {
    const at = batch * 10 + i
    const key = `key${(at * at) % 11}`
    const value = at % 5 === 0 ? null : `value ${at}`
    return { key, value, timeMs: at, headers: [{ name: 'at', value: Buffer.from(`${at}`) }] }
  })
  return recordsOf('t', 0, records)
}

/**
 * Whoever reads all of `after` ends with what reading all of `before` gives, from records of
 * `before`.
 */
function expectCompacted(before: readonly SeenRecord[], after: readonly SeenRecord[]): void {
  const byOffset = new Map(before.map((record) => [record.offset, record]))
  for (const record of after) assert.deepEqual(record, byOffset.get(record.offset))
  const newest = (records: readonly SeenRecord[]): Map<string | null, SeenRecord> =>
    new Map(records.map((record) => [record.key, record]))
  const kept = newest(after)
  for (const [key, record] of newest(before)) {
    // A tombstone may go once nothing older of its key is left.
    if (record.value === null && !kept.has(key)) continue
    assert.deepEqual(kept.get(key), record, `newest record of ${key}`)
  }
}
