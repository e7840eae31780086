/**
 * Webhook delivery: records of 200 bytes, signed, POSTed 16 at a time to a server in a process of
 * its own that answers at once; the outbox is the embedded log's, fsynced.
 */
import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { webhook } from '../../src/connect/sinks/webhook.ts'
import { run } from '../../src/host/run.ts'
import { from, json, topic } from '../../src/index.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import { purchase } from '../records.ts'

const warmUpRecords = 2_000
const records = 20_000

if (process.send === undefined) await measure()
else serve()

async function measure(): Promise<void> {
  const child = fork(import.meta.filename)
  const port = await new Promise<number>((resolve) => child.once('message', resolve as never))
  await inTempDir(async (dir) => {
    const log = await openEmbeddedLog({ dir })
    await log.createTopic('in', { partitions: 1 })
    const hook = webhook('hook', {
      url: `http://127.0.0.1:${port}/`,
      secret: 'a secret of the benchmark',
      concurrency: 16,
    })
    const orders = topic('in', { codec: json() })
    const running = await run(from(orders).to(hook), { log, name: 'webhook', signals: false })
    const delivered = async (count: number): Promise<void> => {
      while ((running.deliveries()[0]?.delivered ?? 0) < count)
        await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await produce(log, warmUpRecords)
    await delivered(warmUpRecords)
    await produce(log, records)
    const measured = meter()
    const before = running.deliveries()[0]?.delivered ?? 0
    await delivered(warmUpRecords + records)
    const status = running.deliveries()[0]
    report(
      throughput({
        name: 'webhook delivery, 200-byte records',
        records: warmUpRecords + records - before,
        seconds: measured.seconds(),
        cpuSeconds: measured.cpuSeconds(),
        aimPerSecond: 2_000,
        note:
          `signed, 16 at a time, server in another process; ${status?.failures} failures, ` +
          `a try p50 ${status?.tryMsP50?.toFixed(1)} ms, p99 ${status?.tryMsP99?.toFixed(1)} ms`,
      }),
    )
    await running.stop()
    await log.close()
  })
  child.disconnect()
}

async function produce(log: Log, count: number): Promise<void> {
  for (let n = 0; n < count; n += 500) {
    const builder = new BatchBuilder()
    for (let i = n; i < n + 500; i++)
      builder.add(`k${i % 1_000}`, JSON.stringify(purchase(i)), Date.now())
    await log.append([{ topic: 'in', partition: 0, bytes: builder.finish() }])
  }
}

function serve(): void {
  const server = createServer((request, response) => {
    request.resume()
    request.once('end', () => response.writeHead(204).end())
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.once('disconnect', () => process.exit(0))
}
