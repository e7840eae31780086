/**
 * Rows into PostgreSQL, from a topic through the outbox, each exactly once; the server on the same
 * processors, with fsync.
 */
import { systemClock } from '../../src/core/clock.ts'
import { from, json, run, topic } from '../../src/index.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { postgres, type PostgresSinkOptions } from '../../src/postgres.ts'
import { PostgresServer } from '../../test/servers/postgres.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import { fill, type Purchase } from '../records.ts'

const records = 400_000
const columns =
  'id bigint, "user" text, at bigint, amount float8, currency text, country text, device text'

const rowOf = ({ id, user, at, amount, currency, country, device }: Purchase) => {
  return { id, user, at, amount, currency, country, device }
}

async function write(
  name: string,
  options: Partial<PostgresSinkOptions<Purchase, unknown>> & { readonly columns: string },
): Promise<void> {
  const { columns: made, ...more } = options
  const server = await PostgresServer.start({ fsync: true })
  await inTempDir(async (dir) => {
    const log = await openEmbeddedLog({ dir })
    await log.createTopic('purchases', { partitions: 1 })
    await fill(log, 'purchases', records)
    await server.query(`CREATE TABLE purchases (${made})`)
    const sink = postgres<Purchase, unknown>('rows', {
      url: server.url,
      table: 'purchases',
      row: rowOf,
      ...more,
    })
    const purchases = topic('purchases', { codec: json<Purchase>() })
    const measured = meter()
    const running = await run(from(purchases).to(sink), { log, signals: false })
    while ((running.deliveries()[0]?.delivered ?? 0) < records) {
      await new Promise((resolve) => systemClock.after(10, () => resolve(null)))
    }
    const spent = { seconds: measured.seconds(), cpuSeconds: measured.cpuSeconds() }
    const note = 'topic, outbox, rows and position in one transaction, fsynced'
    report(throughput({ name, records, aimPerSecond: 50_000, ...spent, note }))
    await running.stop()
    await log.close()
  })
  await server.stop()
}

await write('PostgreSQL, rows added', { columns })
await write('PostgreSQL, rows by key', {
  columns: `${columns}, PRIMARY KEY ("user")`,
  mode: 'upsert',
  key: 'user',
})
