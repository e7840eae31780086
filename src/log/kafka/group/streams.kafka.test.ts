import { afterEach, beforeAll, expect } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { isChangelog } from '../admin/changelog-settings.ts'
import { changelogTopic } from '../admin/names.ts'
import { topicSettings } from '../admin/topic-infos.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import { createTopics } from '../wire/requests/create-topics.ts'
import type { JoinGroupOptions } from './join-group.ts'
import * as all from './test-process.ts'
import type { TestProcess } from './test-process.ts'
import { statefulTasks } from './test-tasks.ts'

const processes: TestProcess[] = []
const topic = uniqueName('group-streams-source')

beforeAll(async () => {
  if (brokers.length === 0) return
  const cluster = await connectCluster({ brokers, clock: systemClock })
  const request = { name: topic, partitions: 4, replicationFactor: -1, timeoutMs: 10_000 }
  const { code } = await cluster.send('any', createTopics, { ...request, settings: {} })
  expect(code).toBe(0)
  await cluster.close()
})

afterEach(async () => {
  await Promise.all(processes.splice(0).map((one) => all.endProcess(one)))
})

async function start(group: string, options: Partial<JoinGroupOptions> = {}): Promise<TestProcess> {
  const infos = statefulTasks(4, topic)
  const process = await all.startProcess(brokers, {
    group,
    infos,
    instanceId: null,
    protocol: 'streams',
    ...options,
  })
  processes.push(process)
  return process
}

function shared(limitMs: number, ...sizes: number[]): Promise<number> {
  const condition = (): boolean => all.areShared(processes, ...sizes)
  return all.until(condition, limitMs, () => all.describeAll(processes))
}

kafkaTest('streams: the broker shares tasks between two members', async () => {
  const group = uniqueName('group-streams')
  const a = await start(group)
  expect(a.owned.size).toBe(4)
  const generation = a.membership.ownership('main/0').identity()?.generation
  expect(generation).toBeGreaterThan(0)
  expect(await a.membership.confirm('main/0')).toBe(true)

  const b = await start(group, { instanceId: uniqueName('b') })
  await shared(15_000, 2, 2)
  const tasks = new Set(b.owned)

  processes.pop()
  await b.cluster.close() // no word to the coordinator
  const startMs = systemClock.monotonic()
  const again = await start(group, { instanceId: b.membership.describe().split(' ')[1] ?? '' })
  expect(systemClock.monotonic() - startMs).toBeLessThan(1_000)
  await shared(5_000, 2, 2)
  expect(again.owned).toEqual(tasks)

  processes.pop()
  await again.membership.leave()
  await again.cluster.close()
  await shared(10_000, 4)
})

kafkaTest('streams: missing topics and a changed topology are clear errors', async () => {
  const group = uniqueName('group-streams')
  const absent = statefulTasks(4, 'gm-absent-topic')
  await expect(start(group, { infos: absent })).rejects.toMatchObject({
    code: 'unknown-topic',
    message: expect.stringContaining('Source topics gm-absent-topic are missing'),
  })
  await expect(start(group)).rejects.toMatchObject({
    code: 'invalid-plan',
    message: expect.stringContaining('are not those of this pipeline'),
  })
})

kafkaTest('streams: standby copies lie with the other member', async () => {
  const group = uniqueName('group-streams')
  const { cluster } = await start(group, { standbys: 1 })
  await start(group, { standbys: 1 })
  await shared(20_000, 2, 2)
  const isCopied = (): boolean => processes.every((p) => p.membership.standbys.length === 2)
  await all.until(isCopied, 20_000, () => all.describeAll(processes))
  for (const { membership, owned } of processes)
    for (const task of membership.standbys) expect(owned.has(task)).toBe(false)
  // The broker has created the topic of their state, as they need it.
  const { topic: changelog } = changelogTopic(group, 'main/0')
  const settings = await topicSettings(cluster, [changelog])
  expect(isChangelog(settings.get(changelog) ?? new Map())).toBe(true)
  const meta = (await cluster.topics([changelog], { fresh: true })).get(changelog)
  expect(meta?.partitions.length).toBe(4)
  await expect(start(group, { standbys: 1000 })).rejects.toMatchObject({ code: 'invalid-argument' })
})
