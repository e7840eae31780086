/**
 * From append to output at 5,000 records/s, open loop: records are due on a fixed schedule whatever
 * the system does, and a record's latency counts from when it was due until a reader of the output
 * topic has it, both commits fsynced in between.
 */
import { createHistogram } from 'node:perf_hooks'
import { from, json, topic } from '../../src/index.ts'
import { run } from '../../src/host/run.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { inTempDir, meter, report } from '../measure.ts'
import { purchase } from '../records.ts'

const perSecond = 5_000
const warmUpSeconds = 3
const seconds = 15
const records = perSecond * (warmUpSeconds + seconds)

await inTempDir(async (dir) => {
  const log = await openEmbeddedLog({ dir })
  await log.createTopic('in', { partitions: 1 })
  await log.createTopic('out', { partitions: 1 })
  const pipeline = from(topic('in', { codec: json<{ due: number }>() }))
    .map((each) => ({ ...each, seen: true }))
    .to(topic('out', { codec: json() }))
  const running = await run(pipeline, { log, name: 'latency', signals: false })
  const reader = await log.openReader([{ topic: 'out', partition: 0, offset: 0 }])
  const histogram = createHistogram()
  const started = performance.now()
  const measured = meter()
  const producing = produce(started)
  let seen = 0
  while (seen < records) {
    await reader.wait(1000)
    for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
      const now = performance.now() - started
      for (let i = batch.first; i < batch.count; i++) {
        const dueMs = (seen++ / perSecond) * 1000
        if (seen > perSecond * warmUpSeconds)
          histogram.record(Math.max(1, Math.round((now - dueMs) * 1000)))
      }
    }
  }
  await producing
  const ms = (percent: number): number => histogram.percentile(percent) / 1000
  report({
    name: 'latency append → output, 5,000/s open loop',
    reached: `p50 ${ms(50).toFixed(1)} ms, p99 ${ms(99).toFixed(1)} ms`,
    score: ms(99),
    aim: 'p50 ≤ 3 ms, p99 ≤ 15 ms',
    met: ms(50) <= 3 && ms(99) <= 15,
    cpuSecondsPerMillion: (measured.cpuSeconds() / records) * 1e6,
    note:
      `p99.9 ${ms(99.9).toFixed(1)} ms, max ${(histogram.max / 1000).toFixed(0)} ms, ` +
      'producer and reader in the same process',
  })
  await reader.close()
  await running.stop()
  await log.close()

  /** Appends each millisecond what is due by then. */
  async function produce(startedMs: number): Promise<void> {
    const builder = new BatchBuilder()
    let next = 0
    while (next < records) {
      const nowMs = performance.now() - startedMs
      const due = Math.min(records, Math.floor((nowMs / 1000) * perSecond))
      for (; next < due; next++) builder.add(null, JSON.stringify(purchase(next)), 0)
      if (builder.count > 0)
        void log.append([{ topic: 'in', partition: 0, bytes: builder.finish() }])
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
})
