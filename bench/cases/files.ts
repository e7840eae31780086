/**
 * Files in and out: an NDJSON file of 200-byte records into the embedded log, and from a topic into
 * files by time. Everything is on disk when it counts.
 */
import { openSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { runSource } from '../../src/connect/source-runner.ts'
import { fileSource } from '../../src/connect/sources/file.ts'
import type { FileSourceOptions } from '../../src/connect/sources/file.ts'
import { systemClock } from '../../src/core/clock.ts'
import { files, from, json, run, topic } from '../../src/index.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import { purchase } from '../records.ts'

const records = 1_000_000

await inTempDir(async (dir) => {
  const path = join(dir, 'purchases.ndjson')
  const file = openSync(path, 'w')
  for (let i = 0; i < records; i += 1_000) {
    const lines = Array.from({ length: 1_000 }, (_, n) => `${JSON.stringify(purchase(i + n))}\n`)
    writeSync(file, lines.join(''))
  }
  closeSync(file)
  const log = await openEmbeddedLog({ dir: join(dir, 'data') })
  const read = async (name: string, options: FileSourceOptions): Promise<void> => {
    const measured = meter()
    const source = fileSource(path, { name, ...options })
    const create = { partitions: 4 }
    const running = await runSource(log, source, { topic: name, create, clock: systemClock })
    await running.done
    if (running.status().recordCount !== records) throw new Error(`${name}: not all were read`)
    const spent = { seconds: measured.seconds(), cpuSeconds: measured.cpuSeconds() }
    const what = options.key === undefined ? 'bytes passed on' : 'key from the JSON'
    const shown = { name: `NDJSON file, ${what}`, aimPerSecond: 300_000 }
    report(throughput({ ...shown, records, ...spent, note: 'fileSource, fsynced' }))
  }
  await read('plain', { format: 'ndjson' })
  await read('keyed', { format: 'ndjson', key: 'user' })

  const purchases = topic('plain', { codec: json() })
  const out = files('out', { dir: join(dir, 'out'), format: 'ndjson', by: 'arrival', every: '1d' })
  const measured = meter()
  const running = await run(from(purchases).to(out), { log, signals: false })
  while ((running.deliveries()[0]?.delivered ?? 0) < records) {
    await new Promise((resolve) => systemClock.after(10, () => resolve(null)))
  }
  const spent = { seconds: measured.seconds(), cpuSeconds: measured.cpuSeconds() }
  const shown = { name: 'NDJSON files written', aimPerSecond: 100_000 }
  report(throughput({ ...shown, records, ...spent, note: 'topic, outbox, files, fsynced' }))
  await running.stop()
  await log.close()
})
