/**
 * The log as a library: append records of 200 bytes (already JSON text) in blocks of 500, every
 * append durable; read them all back.
 */
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { AppendBatch } from '../../src/log/log.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import { batchRecords, purchase } from '../records.ts'

const records = 3_000_000
/** As a bulk loader would: several blocks in one durable append, a few appends on their way. */
const blocksPerAppend = 8
const appendsInFlight = 4
const values = Array.from({ length: 10_000 }, (_, i) => purchase(i)).map(
  (each) => [each.user, JSON.stringify(each)] as const,
)

await inTempDir(async (dir) => {
  const log = await openEmbeddedLog({ dir })
  await log.createTopic('records', { partitions: 1 })
  const appending = meter()
  const builder = new BatchBuilder()
  const waiting: Promise<unknown>[] = []
  let blocks: AppendBatch[] = []
  for (let i = 0; i < records; i++) {
    const [key, value] = values[i % values.length] as readonly [string, string]
    builder.add(key, value, i)
    if (builder.count < batchRecords) continue
    blocks.push({ topic: 'records', partition: 0, bytes: builder.finish() })
    if (blocks.length < blocksPerAppend) continue
    waiting.push(log.append(blocks))
    blocks = []
    if (waiting.length >= appendsInFlight) await waiting.shift()
  }
  if (blocks.length > 0) waiting.push(log.append(blocks))
  await Promise.all(waiting)
  report(
    throughput({
      name: 'append, 200-byte records',
      records,
      seconds: appending.seconds(),
      cpuSeconds: appending.cpuSeconds(),
      aimPerSecond: 1_500_000,
      note: 'library, fsynced',
    }),
  )

  const reading = meter()
  const reader = await log.openReader([{ topic: 'records', partition: 0, offset: 0 }])
  let count = 0
  let bytes = 0
  for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
    for (let i = batch.first; i < batch.count; i++) bytes += batch.valueEnd(i) - batch.valueStart(i)
    count += batch.count - batch.first
  }
  if (count !== records || bytes === 0) throw new Error(`read ${count} of ${records} records`)
  report(
    throughput({
      name: 'read, 200-byte records',
      records,
      seconds: reading.seconds(),
      cpuSeconds: reading.cpuSeconds(),
      aimPerSecond: 8_000_000,
      note: 'library, every length looked at, checksums checked',
    }),
  )
  await reader.close()
  await log.close()
})
