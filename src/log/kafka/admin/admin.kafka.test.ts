/** Topics on a real broker. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { jarsDirectory } from '../../../../test/kafka/jars.ts'
import { systemClock as clock } from '../../../core/clock.ts'
import type { ErrorCode } from '../../../core/error.ts'
import { batchOf, recordsOf } from '../../conformance/log-probe.ts'
import { defaultTopicConfig } from '../../log.ts'
import type { GroupOffset } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import { describeConfigs } from '../wire/requests/describe-configs.ts'
import { createAdmin } from './admin.ts'
import type { KafkaAdmin } from './admin.ts'
import { append } from './test-writes.ts'

const run = promisify(execFile)
let cluster: Cluster
let admin: KafkaAdmin
const made: string[] = []

beforeAll(async () => {
  if (brokers.length === 0) return
  cluster = await connectCluster({ brokers, clock })
  admin = createAdmin({ cluster, clock })
})

afterAll(async () => {
  if (brokers.length === 0) return
  await Promise.allSettled(made.map(async (name) => admin.deleteTopic(name)))
  await cluster.close()
})

function newName(): string {
  const name = uniqueName('admin')
  made.push(name)
  return name
}

function appendOne(topic: string, partition: number): Promise<number> {
  return append(cluster, { topic, partition }, batchOf(topic, partition, 'a').bytes)
}

function refuses(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  return expect(promise).rejects.toMatchObject({ code, hint: expect.any(String) })
}

kafkaTest('a topic has the settings asked for, and takes records at once', async () => {
  const topic = newName()
  const wanted = {
    partitions: 3,
    retentionMs: 1000,
    retentionBytes: 2000,
    cleanup: 'compact',
    recordBytesMax: 3000,
  } as const
  const info = await admin.createTopic(topic, wanted)
  expect(info.config).toEqual(wanted)
  expect(info.createdMs).toBeNull()
  expect(info.partitions).toEqual(
    [0, 1, 2].map((partition) => ({ partition, startOffset: 0, endOffset: 0, bytes: 0 })),
  )
  for (const partition of [0, 1, 2]) expect(await appendOne(topic, partition)).toBe(0)
  const [first] = (await admin.describeTopic(topic)).partitions
  expect(first).toMatchObject({ startOffset: 0, endOffset: 1 })
  expect(first?.bytes).toBeGreaterThan(60)
  expect(await admin.topicConfig(topic)).toEqual(wanted)
  expect(await admin.limits(topic)).toEqual({
    recordBytesMax: 3000,
    batchBytesMax: 4024,
    isCompacted: true,
  })
})

kafkaTest(
  'the largest record fits into a batch, one byte more than the reserve does not',
  async () => {
    const topic = newName()
    await admin.createTopic(topic, { recordBytesMax: 10_000 })
    const place = { topic, partition: 0 }
    const fitting = 'x'.repeat(9_999)
    expect(await append(cluster, place, batchOf(topic, 0, fitting).bytes)).toBe(0)
    const over = 'x'.repeat(9_999 + 1024)
    expect(await append(cluster, place, batchOf(topic, 0, over).bytes)).toBe(10)
  },
)

kafkaTest('a new topic keeps records for ever, and takes any event time', async () => {
  const topic = newName()
  const info = await admin.createTopic(topic)
  expect(info.config).toEqual(defaultTopicConfig)
  const names = ['retention.ms', 'message.timestamp.type', 'message.timestamp.after.max.ms']
  const [found] = await cluster.send('any', describeConfigs, { topics: [topic], settings: names })
  expect(Object.fromEntries(found?.settings ?? [])).toEqual({
    'retention.ms': '-1',
    'message.timestamp.type': 'CreateTime',
    'message.timestamp.after.max.ms': '9223372036854775807',
  })
  const inYears = clock.now() + 10 * 365 * 86_400_000
  for (const timeMs of [0, 1, inYears]) {
    const { bytes } = recordsOf(topic, 0, [{ key: 'k', value: 'v', timeMs }])
    expect(await append(cluster, { topic, partition: 0 }, bytes)).toBe(0)
  }
})

kafkaTest('the same topic again is no error, with other settings it is', async () => {
  const topic = newName()
  const wanted = { partitions: 2, retentionMs: 5000 }
  // Two processes, at the same time.
  const other = await connectCluster({ brokers, clock })
  const infos = await Promise.all([
    admin.createTopic(topic, wanted),
    createAdmin({ cluster: other, clock }).createTopic(topic, wanted),
  ])
  await other.close()
  expect(infos[0]).toEqual(infos[1])
  expect(await admin.createTopic(topic, wanted)).toEqual(infos[0])
  for (const change of [{ partitions: 3 }, { retentionMs: 1 }, { cleanup: 'compact' as const }]) {
    await refuses('topic-exists', admin.createTopic(topic, { ...wanted, ...change }))
  }
})

kafkaTest('names and settings that cannot be are refused', async () => {
  await refuses('invalid-topic', admin.createTopic('a/b'))
  await refuses('invalid-topic', admin.createTopic(newName(), { partitions: 0 }))
  const topic = newName()
  const wide = createAdmin({ cluster, clock, replicationFactor: 30 })
  await expect(wide.createTopic(topic)).rejects.toMatchObject({
    code: 'invalid-topic',
    message: expect.stringContaining('with 30 replicas'),
    hint: expect.stringContaining('brokers'),
  })
  await refuses('unknown-topic', admin.describeTopic(topic))
  // Kafka takes names apart by . and _ nowhere.
  await admin.createTopic(`${topic}.x`)
  made.push(`${topic}.x`)
  await refuses('invalid-topic', admin.createTopic(`${topic}_x`))
})

kafkaTest('partitions grow and settings change one by one', async () => {
  const topic = newName()
  const base = await admin.createTopic(topic, { partitions: 2, retentionMs: 5000 })
  await appendOne(topic, 1)
  for (const partitions of [1, 0, 1025, 2.5]) {
    await refuses('invalid-topic', admin.alterTopic(topic, { partitions }))
  }
  expect(await admin.recordBytesMax(topic)).toBe(1_048_576)
  const grown = await admin.alterTopic(topic, { partitions: 4, recordBytesMax: 4 })
  expect(grown.config).toEqual({ ...base.config, partitions: 4, recordBytesMax: 4 })
  expect(grown.partitions.map(({ endOffset }) => endOffset)).toEqual([0, 1, 0, 0])
  expect(await admin.recordBytesMax(topic)).toBe(4)
  expect(await appendOne(topic, 3)).toBe(0)
  const changed = await admin.alterTopic(topic, { retentionMs: null, cleanup: 'compact' })
  expect(changed.config).toEqual({ ...grown.config, retentionMs: null, cleanup: 'compact' })
  await refuses('unknown-topic', admin.alterTopic(uniqueName('admin'), {}))
})

kafkaTest('topics are listed in order of name, without those of the brokers', async () => {
  const names = [newName(), newName()].toSorted()
  for (const name of names) await admin.createTopic(name)
  await admin.commitGroup(`${names[0]}-group`, [{ topic: names[0] ?? '', partition: 0, offset: 0 }])
  const list = (await admin.listTopics()).map(({ name }) => name)
  expect(list).toEqual(list.toSorted())
  expect(list.filter((name) => names.includes(name))).toEqual(names)
  expect(list).not.toContain('__consumer_offsets')
  await refuses('invalid-topic', admin.deleteTopic('__consumer_offsets'))
})

kafkaTest('a deleted topic takes its records and offsets along', async () => {
  const topic = newName()
  const group = `${topic}-group`
  await admin.createTopic(topic)
  await appendOne(topic, 0)
  await admin.commitGroup(group, [{ topic, partition: 0, offset: 1 }])
  await admin.deleteTopic(topic)
  await refuses('unknown-topic', admin.describeTopic(topic))
  await refuses('unknown-topic', admin.deleteTopic(topic))
  const again = await admin.createTopic(topic)
  expect(again.partitions[0]?.endOffset).toBe(0)
  expect((await admin.groups()).filter((one) => one.group === group)).toEqual([])
})

kafkaTest('a topic of our own is made once, grown, and never another one', async () => {
  const topic = newName()
  const settings = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576' }
  await Promise.all([1, 2, 3].map(async () => admin.ensureTopic(topic, 2, settings)))
  await admin.ensureTopic(topic, 3, settings)
  await admin.ensureTopic(topic, 1, settings)
  const { config } = await admin.describeTopic(topic)
  expect(config).toMatchObject({ partitions: 3, cleanup: 'compact' })
  const other = { 'cleanup.policy': 'delete' }
  await refuses('topic-exists', admin.ensureTopic(topic, 3, other))
})

kafkaTest('trim moves the start up, never back, and is refused as a whole', async () => {
  const topic = newName()
  const compacted = newName()
  await admin.createTopic(topic, { partitions: 2 })
  await admin.createTopic(compacted, { cleanup: 'compact' })
  const { bytes } = batchOf(topic, 0, ...Array.from('abcdefghijkl'))
  await append(cluster, { topic, partition: 0 }, bytes)
  const at = (offset: number, partition = 0): GroupOffset => ({ topic, partition, offset })
  const starts = async (): Promise<number[]> =>
    (await admin.describeTopic(topic)).partitions.map(({ startOffset }) => startOffset)
  const bad = [
    ['offset-out-of-range', at(13)],
    ['invalid-argument', at(-1)],
    ['invalid-argument', at(1.5)],
    ['invalid-argument', { topic: compacted, partition: 0, offset: 0 }],
    ['unknown-topic', { topic: uniqueName('admin'), partition: 0, offset: 0 }],
    ['unknown-partition', at(0, 2)],
  ] as const
  for (const [code, place] of bad) {
    await refuses(code, admin.trim([at(6), place]))
    expect(await starts()).toEqual([0, 0])
  }
  await admin.trim([])
  await admin.trim([at(5), at(2)])
  expect(await starts()).toEqual([5, 0])
  await admin.trim([at(4)])
  expect(await starts()).toEqual([5, 0])
  await admin.trim([at(12), at(0, 1)])
  expect(await starts()).toEqual([12, 0])
})

kafkaTest('an offset by time is the first with that time or later', async () => {
  const topic = newName()
  await admin.createTopic(topic, { partitions: 2 })
  for (const times of [[10, 30, 20], [5], [31, 40, 40], [35]]) {
    const records = times.map((timeMs) => ({ key: null, value: 'v', timeMs }))
    await append(cluster, { topic, partition: 0 }, recordsOf(topic, 0, records).bytes)
  }
  const asked = [-Infinity, -1, 5, 10, 10.5, 20, 30, 30.5, 31, 35, 40, 41, Infinity]
  const found = await Promise.all(asked.map(async (ms) => admin.offsetAtTime(topic, 0, ms)))
  expect(found).toEqual([0, 0, 0, 0, 1, 1, 1, 4, 4, 5, 5, 8, 8])
  expect(await admin.offsetAtTime(topic, 1, 5)).toBe(0)
  await refuses('unknown-partition', admin.offsetAtTime(topic, 2, 0))
})

kafkaTest("Kafka's own tool sees what was created", async () => {
  const topic = newName()
  await admin.createTopic(topic, { partitions: 3, retentionMs: 60_000 })
  const bootstrap = brokers.join(',')
  const { stdout } = await run('java', [
    '-cp',
    join(jarsDirectory(), '*'),
    'org.apache.kafka.tools.TopicCommand',
    '--bootstrap-server',
    bootstrap,
    '--describe',
    '--topic',
    topic,
  ])
  expect(stdout).toMatch(/PartitionCount: 3/)
  expect(stdout).toMatch(/retention.ms=60000/)
  expect(stdout).toMatch(/max.message.bytes=1049600/)
  expect(stdout).toMatch(/cleanup.policy=delete/)
  expect(stdout).toMatch(/message.timestamp.type=CreateTime/)
})
