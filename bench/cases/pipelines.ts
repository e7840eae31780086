/**
 * Whole pipelines, exactly-once and fsynced, topic to topic on the embedded log. Argument:
 * `filter-map`, `window-count` or `memory-flat`.
 */
import { count, from, json, topic, tumbling } from '../../src/index.ts'
import { run } from '../../src/host/run.ts'
import type { Pipeline } from '../../src/pipeline/node.ts'
import type { Log } from '../../src/log/log.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { inTempDir, meter, report, throughput } from '../measure.ts'
import { fill } from '../records.ts'
import type { Purchase } from '../records.ts'

const purchases = topic('purchases', {
  codec: json<Purchase>(),
  key: (each) => each.user,
  time: (each) => each.at,
})

const filterMap: Pipeline = from(purchases)
  .filter((each) => each.amount >= 1)
  .map(({ id, user, at, amount, currency, country, device, session, note }) => ({
    id,
    user,
    at,
    total: Math.round(amount * 119) / 100,
    currency,
    country,
    device,
    session,
    note,
  }))
  .to(topic('out', { codec: json() }))

const windowCount: Pipeline = from(purchases)
  .window(tumbling('10s'))
  .aggregate({ purchases: count() })
  .to(topic('out', { codec: json() }))

/** Runs until the input is read and committed to its end. */
async function drain(
  log: Log,
  pipeline: Pipeline,
  records: number,
  onTick: () => void = () => {},
): Promise<void> {
  const running = await run(pipeline, { log, name: 'bench', signals: false })
  while ((running.status()[0]?.inputs[0]?.offset ?? 0) < records) {
    onTick()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await running.stop()
}

const kinds = {
  'filter-map': {
    pipeline: filterMap,
    records: 2_000_000,
    aim: 500_000,
    name: 'topic → filter + map → topic',
  },
  'window-count': {
    pipeline: windowCount,
    records: 4_000_000,
    aim: 700_000,
    name: 'topic → keyed 10 s window count → topic',
  },
} as const

async function measureThroughput(kind: keyof typeof kinds): Promise<void> {
  const { pipeline, records, aim, name } = kinds[kind]
  await inTempDir(async (dir) => {
    const log = await openEmbeddedLog({ dir })
    await log.createTopic('purchases', { partitions: 1 })
    await fill(log, 'purchases', records)
    const measured = meter()
    await drain(log, pipeline, records)
    report(
      throughput({
        name,
        records,
        seconds: measured.seconds(),
        cpuSeconds: measured.cpuSeconds(),
        aimPerSecond: aim,
        note: 'exactly-once, fsynced, JSON',
      }),
    )
    await log.close()
  })
}

async function measureMemory(): Promise<void> {
  const records = 10_000_000
  await inTempDir(async (dir) => {
    const log = await openEmbeddedLog({ dir })
    await log.createTopic('purchases', { partitions: 1 })
    await fill(log, 'purchases', records)
    globalThis.gc?.()
    const samples: number[] = []
    const measured = meter()
    await drain(log, filterMap, records, () => samples.push(process.memoryUsage().rss / 1_048_576))
    const fifth = Math.floor(samples.length / 5)
    const medians = [1, 2, 3, 4].map((part) =>
      median(samples.slice(part * fifth, (part + 1) * fifth)),
    )
    const growth = (medians[3] as number) / (medians[0] as number)
    const perSecond = Math.round(records / measured.seconds() / 1000)
    report({
      name: '10 M records through, resident memory',
      reached: `${medians.map((each) => Math.round(each)).join(' → ')} MiB`,
      score: growth,
      aim: 'flat (last fifth ≤ 1.2 × second)',
      met: growth <= 1.2,
      cpuSecondsPerMillion: (measured.cpuSeconds() / records) * 1e6,
      note: `medians of the 2nd to 5th fifth; ${perSecond} k/s`,
    })
    await log.close()
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

const kind = process.argv[2] ?? ''
if (kind === 'memory-flat') await measureMemory()
else if (kind in kinds) await measureThroughput(kind as keyof typeof kinds)
else throw new Error(`unknown case '${kind}': ${[...Object.keys(kinds), 'memory-flat'].join(', ')}`)
