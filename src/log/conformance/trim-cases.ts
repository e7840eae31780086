/** C11: what `trim` deletes, and what readers and tasks behind it see. */
import assert from 'node:assert/strict'
import type { Log } from '../log.ts'
import { type LogCase, logCase } from './log-case.ts'
import {
  batchOf,
  nothing,
  partitionInfo,
  readAll,
  readTo,
  recordsOf,
  refuses,
  taskOf,
  valuesOf,
} from './log-probe.ts'

/** Batches of three records, values `0`, `1`, `2`, …; the record's time is its value × 10. */
async function fill(log: Log, batches = 4): Promise<void> {
  for (let b = 0; b < batches; b++) {
    const records = [0, 1, 2].map((i) => ({
      key: 'k',
      value: `${b * 3 + i}`,
      timeMs: (b * 3 + i) * 10,
    }))
    await log.append([recordsOf('t', 0, records)])
  }
}

function at(offset: number, topic = 't', partition = 0): Parameters<Log['trim']>[0][number] {
  return { topic, partition, offset }
}

async function startAndEnd(log: Log): Promise<[number, number]> {
  const { startOffset, endOffset } = await partitionInfo(log, 't', 0)
  return [startOffset, endOffset]
}

export const trimCases: readonly LogCase[] = [
  logCase('C11 trim deletes what is before an offset, and no record more', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2 })
    await log.append([batchOf('t', 1, 'other')])
    await fill(log)
    const all = await readAll(harness, log)
    for (let offset = 0; offset <= 12; offset++) {
      await log.trim([at(offset)])
      assert.deepEqual(await startAndEnd(log), [offset, 12])
      assert.deepEqual(await readAll(harness, log), all.slice(offset), `trimmed to ${offset}`)
    }
    assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), ['other'])
    assert.equal((await log.append([batchOf('t', 0, 'next')]))[0]?.baseOffset, 12)
    assert.deepEqual(valuesOf(await readAll(harness, log)), ['next'])
  }),
  logCase('C11 trim never moves the start back', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    await fill(log)
    await log.trim([at(5), at(2)])
    await log.trim([at(4)])
    await log.trim([at(0)])
    assert.deepEqual(await startAndEnd(log), [5, 12])
    assert.equal((await readAll(harness, log))[0]?.offset, 5)
  }),
  logCase('C11 trim is refused as a whole', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    await log.createTopic('compacted', { cleanup: 'compact' })
    await fill(log)
    await log.append([batchOf('compacted', 0, 'a')])
    const bad = [
      ['offset-out-of-range', at(13)],
      ['invalid-argument', at(-1)],
      ['invalid-argument', at(1.5)],
      ['invalid-argument', at(NaN)],
      ['invalid-argument', at(1, 'compacted')],
      ['unknown-topic', at(1, 'nobody')],
      ['unknown-partition', at(1, 't', 1)],
    ] as const
    for (const [code, place] of bad) {
      await refuses(code, () => log.trim([at(6), place]), JSON.stringify(place))
      assert.deepEqual(await startAndEnd(log), [0, 12])
    }
    assert.equal((await readAll(harness, log)).length, 12)
    await log.trim([])
  }),
  logCase(
    'C11 whoever is below the start moves up to it, and is told',
    async (harness) => {
      const { limitMs } = harness
      const log = await harness.open()
      await log.createTopic('t')
      await fill(log)
      const open = await log.openReader([at(1)])
      const session = await log.open(taskOf())
      await session.commit({ ...nothing, offsets: [2] })
      await session.close()
      await log.trim([at(7)])
      // It had fetched nothing yet.
      assert.equal((await readTo(open, { endOffset: 12, limitMs }))[0]?.offset, 7)
      const late = await log.openReader([at(0)])
      assert.equal((await readTo(late, { endOffset: 12, limitMs }))[0]?.offset, 7)
      late.seek(0, 3)
      assert.equal((await readTo(late, { endOffset: 12, limitMs }))[0]?.offset, 7)
      const behind = await log.open(taskOf())
      assert.deepEqual([[...behind.offsets], [...behind.skipped]], [[7], [5]])
      assert.equal((await readTo(behind, { endOffset: 12, limitMs }))[0]?.offset, 7)
      await behind.close()
      const fresh = await log.open(taskOf({ task: 'fresh' }))
      assert.deepEqual([[...fresh.offsets], [...fresh.skipped]], [[7], [0]])
    },
    ['lazy'],
  ),
  logCase(
    'C11 a reader goes on over a trim, without a gap after it',
    async (harness) => {
      const { limitMs } = harness
      const log = await harness.open()
      await log.createTopic('t')
      await fill(log)
      const reader = await log.openReader([at(0)])
      assert.equal(reader.poll(0)?.baseOffset, 0)
      await log.trim([at(12)])
      await fill(log, 2)
      const offsets = (await readTo(reader, { endOffset: 18, limitMs })).map((seen) => seen.offset)
      assert.deepEqual(offsets.slice(-6), [12, 13, 14, 15, 16, 17])
      assert.equal(reader.poll(0), null)
    },
    ['lazy'],
  ),
  logCase('C11 times are looked up among what is left', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    const times = [50, 1, 2, 30, 3, 40]
    for (const pair of [0, 2, 4]) {
      const records = [0, 1].map((i) => ({ key: 'k', value: 'v', timeMs: times[pair + i] ?? 0 }))
      await log.append([recordsOf('t', 0, records)])
    }
    assert.equal(await log.offsetAtTime('t', 0, 20), 0)
    await log.trim([at(1)])
    assert.equal(await log.offsetAtTime('t', 0, 1), 1)
    // The first batch had a later record; what is left of it has none.
    assert.equal(await log.offsetAtTime('t', 0, 20), 3)
    assert.equal(await log.offsetAtTime('t', 0, 45), 6)
  }),
  logCase('C11 offsets of groups stay where they are', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t')
    await fill(log)
    await log.commitGroup('g', [at(3)])
    await log.trim([at(9)])
    assert.deepEqual((await log.groups())[0]?.offsets, [at(3)])
  }),
  logCase(
    'C11 whole batches are freed',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t')
      await fill(log, 600)
      const before = await partitionInfo(log, 't', 0)
      await log.trim([at(1798)])
      await harness.maintain(log)
      const after = await partitionInfo(log, 't', 0)
      assert.ok(after.bytes > 0 && after.bytes < before.bytes / 300, `${after.bytes} bytes left`)
      assert.deepEqual([after.startOffset, after.endOffset], [1798, 1800])
      assert.deepEqual(valuesOf(await readAll(harness, log)), ['1798', '1799'])
      await log.trim([at(1800)])
      await harness.maintain(log)
      assert.equal((await partitionInfo(log, 't', 0)).bytes, 0)
    },
    ['maintain'],
  ),
  logCase(
    'C11 retention does not bring back what was trimmed',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t')
      await fill(log)
      const { bytes } = await partitionInfo(log, 't', 0)
      await log.trim([at(7)])
      await log.alterTopic('t', { retentionBytes: bytes - 1 })
      await harness.maintain(log)
      assert.deepEqual(await startAndEnd(log), [7, 12])
      await log.alterTopic('t', { retentionBytes: 1 })
      await harness.maintain(log)
      assert.deepEqual(await startAndEnd(log), [9, 12])
    },
    ['maintain'],
  ),
  logCase(
    'C11 a trim outlives the log',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t')
      await fill(log)
      await log.trim([at(4)])
      await log.close()
      const again = await harness.open()
      assert.deepEqual(await startAndEnd(again), [4, 12])
      assert.equal((await readAll(harness, again))[0]?.offset, 4)
    },
    ['reopen'],
  ),
]
