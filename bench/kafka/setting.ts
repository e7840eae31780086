/** What the cases share: a broker, a log handle of the benchmark's own, names that are new. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../src/index.ts'
import { kafka } from '../../src/kafka.ts'
import { KafkaCluster } from '../../test/kafka/cluster.ts'
import type { EngineSettings } from './engine.ts'
import { fill } from './fill.ts'
import { inTopic, outTopics, partitions } from './pipelines.ts'

export interface Setting {
  readonly cluster: KafkaCluster
  readonly log: Log
  readonly records: number
  /** Makes all topics anew, with nothing in them. */
  empty(): Promise<void>
  /** Settings of an engine that has never run before. */
  fresh(): EngineSettings
}

const sessionTimeoutMs = 6_000
const topics = [inTopic, ...Object.values(outTopics)]

/** Runs `use` with one broker and a filled input topic; leaves nothing behind. */
export async function withSetting(
  records: number,
  use: (setting: Setting) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(
    join(process.env['MILLRACE_BENCH_DIR'] ?? tmpdir(), 'millrace-bench-kafka-'),
  )
  const cluster = await KafkaCluster.start({
    nodes: 1,
    heapMb: 1024,
    directory: join(directory, 'kafka'),
  })
  const log = await kafka({ brokers: cluster.brokers }).openLog()
  let runs = 0
  try {
    for (const topic of topics) await log.createTopic(topic, { partitions })
    await fill(log, records)
    await use({
      cluster,
      log,
      records,
      empty: async () => {
        for (const topic of topics) {
          await log.deleteTopic(topic)
          await log.createTopic(topic, { partitions })
        }
      },
      fresh: () => {
        runs += 1
        const name = `bench-${runs}`
        return { name, instanceId: 'engine-1', sessionTimeoutMs, records: null }
      },
    })
  } finally {
    await log.close()
    await cluster.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
