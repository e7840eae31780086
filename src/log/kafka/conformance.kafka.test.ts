import { afterAll, beforeAll, test } from 'vitest'
import { KafkaCluster } from '../../../test/kafka/cluster.ts'
import { kafkaVersion } from '../../../test/kafka/jars.ts'
import { brokers, kafkaTest } from '../../../test/kafka/broker.ts'
import { systemClock } from '../../core/clock.ts'
import { defineLogConformance } from '../log.conformance.ts'
import type { LogSubject } from '../log.conformance.ts'
import type { Log } from '../log.ts'
import { openKafkaLog } from './kafka-log.ts'
import { connectCluster } from './wire/connect-cluster.ts'
import { deleteGroups } from './wire/requests/delete-groups.ts'
import { listGroups } from './wire/requests/list-groups.ts'

/** MILLRACE_CONFORMANCE_NODES=3: on three brokers. */
const nodes = Number(process.env['MILLRACE_CONFORMANCE_NODES'] ?? 1)
/** MILLRACE_CONFORMANCE_KAFKA=3.9.1: on that Kafka. */
const version = process.env['MILLRACE_CONFORMANCE_KAFKA'] ?? kafkaVersion
/** MILLRACE_CONFORMANCE_SEEDS=all: of the random cases not only every third. */
const hasAllSeeds = process.env['MILLRACE_CONFORMANCE_SEEDS'] === 'all'
/** MILLRACE_CONFORMANCE_MEMBERSHIP=streams: groups by KIP-1071, where the broker assigns tasks. */
const membership =
  process.env['MILLRACE_CONFORMANCE_MEMBERSHIP'] === 'streams' ? 'streams' : 'classic'
/** One case makes a topic of 1,024 partitions, each with two such files. */
const settings = { 'log.index.size.max.bytes': '65536' }
/** Of its own: every case begins with an empty storage. */
let cluster: KafkaCluster | null = null

beforeAll(async () => {
  if (brokers.length > 0) cluster = await KafkaCluster.start({ nodes, version, settings })
}, 120_000)
afterAll(async () => {
  await cluster?.stop()
})

function open(): Promise<Log> {
  return openKafkaLog({
    brokers: cluster?.brokers ?? [],
    outOfRange: 'earliest',
    membership,
    sessionTimeoutMs: 6_000,
    heartbeatMs: 100,
  })
}

const subject: LogSubject = {
  name: 'kafka',
  capabilities: ['reopen', 'shared', 'members'],
  start: async () => ({ open, clock: null, maintain: async () => {}, limitMs: 20_000 }),
  stop: removeAll,
}

async function removeAll(): Promise<void> {
  const log = await open()
  const topics = await log.listTopics()
  await Promise.all(topics.map(({ name }) => log.deleteTopic(name)))
  await log.close()
  const wire = await connectCluster({ brokers: cluster?.brokers ?? [], clock: systemClock })
  for (const { node } of await wire.brokers()) {
    const { groups } = await wire.send({ node }, listGroups, null)
    await Promise.all(groups.map(({ group }) => wire.send({ group }, deleteGroups, group)))
  }
  await wire.close()
}

function skip(title: string, work: () => Promise<void>): void {
  test.skip(`kafka: ${title}`, work)
}

function run(title: string, work: () => Promise<void>): void {
  const seed = /seed (\d+)$/.exec(title)?.[1]
  const isLeftOut = seed !== undefined && Number(seed) % 3 !== 0 && !hasAllSeeds
  if (isLeftOut) skip(`${title} [skipped: MILLRACE_CONFORMANCE_SEEDS=all runs it]`, work)
  else kafkaTest(`kafka: ${title}`, work, 60_000)
}
defineLogConformance(Object.assign(run, { skip }), subject)
