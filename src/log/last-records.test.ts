import { expect, test } from 'vitest'
import { BatchBuilder } from './batch.ts'
import { openMemoryLog } from './memory/memory-log.ts'
import { offsetOfLast } from './last-records.ts'

const place = { topic: 't', partition: 0 }

/** 40 records, of which compaction has left those at the given offsets. */
async function openWithGaps(left: readonly number[]) {
  const log = openMemoryLog()
  await log.createTopic('t', { cleanup: 'compact' })
  for (let i = 0; i < 40; i++) {
    const builder = new BatchBuilder()
    builder.add(left.includes(i) ? `kept ${i}` : 'newest wins', 'v', i)
    await log.append([{ ...place, bytes: builder.finish() }])
  }
  await log.maintain()
  await log.maintain()
  const [range] = (await log.describeTopic('t')).partitions
  if (range === undefined) throw new Error('no partition')
  return { log, range }
}

test.each([
  [0, 40],
  [1, 39], // the newest of the others
  [2, 30],
  [3, 7],
  [4, 5],
  [5, 0],
  [6, 0],
  [1e15, 0],
])('the last %d begin at %d', async (count, offset) => {
  const { log, range } = await openWithGaps([0, 5, 7, 30])
  expect(await offsetOfLast(log, place, range, count)).toBe(offset)
  await log.close()
})

test('a partition without records begins where it ends', async () => {
  const log = openMemoryLog()
  await log.createTopic('t')
  expect(await offsetOfLast(log, place, { startOffset: 0, endOffset: 0 }, 3)).toBe(0)
  await log.close()
})
