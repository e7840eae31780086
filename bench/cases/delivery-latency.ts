/**
 * What delivery adds: from append to a reader of the outbox, and from append to an action that gets
 * the record, at 500 records/s, open loop; both through the same pipeline, fsynced commits between.
 */
import { createHistogram } from 'node:perf_hooks'
import { action, from, json, topic } from '../../src/index.ts'
import { run } from '../../src/host/run.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { inTempDir, meter, report } from '../measure.ts'

const perSecond = 500
const warmUp = perSecond * 2
const records = perSecond * 10

await inTempDir(async (dir) => {
  const log = await openEmbeddedLog({ dir })
  await log.createTopic('in', { partitions: 1 })
  const atOutbox = createHistogram()
  const atAction = createHistogram()
  const started = performance.now()
  const late = (n: number): number =>
    Math.max(1, Math.round((performance.now() - started - (n / perSecond) * 1_000) * 1_000))
  let done = 0
  const taken = action<{ n: number }>('taken', ({ n }) => {
    if (n >= warmUp) atAction.record(late(n))
    done += 1
  })
  const values = topic('in', { codec: json<{ n: number }>(), key: ({ n }) => n })
  const pipeline = from(values).to(taken)
  const running = await run(pipeline, { log, name: 'p', signals: false })
  const reader = await log.openReader([{ topic: 'p.taken.outbox', partition: 0, offset: 0 }])
  const measured = meter()
  const producing = produce()
  let seen = 0
  while (seen < records || done < records) {
    if (seen < records) await reader.wait(1_000)
    else await new Promise((resolve) => setTimeout(resolve, 2))
    for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0))
      for (let i = batch.first; i < batch.count; i++) {
        if (seen >= warmUp) atOutbox.record(late(seen))
        seen += 1
      }
  }
  await producing
  const ms = (of: typeof atOutbox, percent: number): number => of.percentile(percent) / 1_000
  const added = ms(atAction, 50) - ms(atOutbox, 50)
  report({
    name: 'delivery: outbox → action, 500/s open loop',
    reached: `p50 ${added.toFixed(1)} ms more`,
    score: added,
    aim: 'p50 ≤ 5 ms more',
    met: added <= 5,
    cpuSecondsPerMillion: (measured.cpuSeconds() / records) * 1e6,
    note:
      `to the outbox p50 ${ms(atOutbox, 50).toFixed(1)}, p99 ${ms(atOutbox, 99).toFixed(1)} ms; ` +
      `to the action p50 ${ms(atAction, 50).toFixed(1)}, p99 ${ms(atAction, 99).toFixed(1)} ms`,
  })
  await reader.close()
  await running.stop()
  await log.close()

  async function produce(): Promise<void> {
    for (let n = 0; n < records;) {
      const due = Math.min(records, Math.floor(((performance.now() - started) / 1_000) * perSecond))
      const builder = new BatchBuilder()
      const first = n
      for (; n < due; n++) builder.add(null, JSON.stringify({ n }), Date.now())
      if (n > first) await log.append([{ topic: 'in', partition: 0, bytes: builder.finish() }])
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
})
