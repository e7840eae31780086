/** Groups and their offsets on a real broker. */
import { changelogSettings } from './changelog-settings.ts'
import { afterAll, beforeAll, expect } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { systemClock as clock } from '../../../core/clock.ts'
import type { ErrorCode } from '../../../core/error.ts'
import { batchOf } from '../../conformance/log-probe.ts'
import type { GroupInfo, GroupOffset } from '../../log.ts'
import { statefulTasks } from '../group/test-tasks.ts'
import { endProcess, startProcess } from '../group/test-process.ts'
import type { Cluster } from '../wire/cluster.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import { createAdmin } from './admin.ts'
import type { KafkaAdmin } from './admin.ts'
import { committedOffsets } from './committed-offsets.ts'
import { changelogTopic, stampGroup, taskGroup } from './names.ts'
import { append, joinClassic, joinConsumer, openTransaction } from './test-writes.ts'

let cluster: Cluster
let admin: KafkaAdmin
const topic = uniqueName('admin-groups')
const groups: string[] = []

beforeAll(async () => {
  if (brokers.length === 0) return
  cluster = await connectCluster({ brokers, clock })
  admin = createAdmin({ cluster, clock })
  await admin.createTopic(topic, { partitions: 2 })
  for (const partition of [0, 1]) {
    await append(
      cluster,
      { topic, partition },
      batchOf(topic, partition, ...Array.from('abcde')).bytes,
    )
  }
})

afterAll(async () => {
  if (brokers.length === 0) return
  await Promise.allSettled(groups.map(async (group) => admin.deleteGroup(group)))
  await admin.deleteTopic(topic)
  await cluster.close()
})

function newGroup(): string {
  const group = uniqueName('admin')
  groups.push(group)
  return group
}

function at(partition: number, offset: number): GroupOffset {
  return { topic, partition, offset }
}

async function groupOf(group: string): Promise<GroupInfo | undefined> {
  return (await admin.groups()).find((one) => one.group === group)
}

function refuses(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  return expect(promise).rejects.toMatchObject({ code, hint: expect.any(String) })
}

kafkaTest('a group keeps what was set, and is listed in order of name', async () => {
  const [a, b] = [newGroup(), newGroup()].toSorted() as [string, string]
  await admin.commitGroup(b, [at(1, 1), at(0, 3)])
  await admin.commitGroup(a, [at(0, 1)])
  await admin.commitGroup(b, [at(0, 2)])
  await admin.commitGroup(newGroup(), [])
  const found = (await admin.groups()).filter(({ group }) => groups.includes(group))
  expect(found).toEqual([
    { group: a, offsets: [at(0, 1)], owner: null },
    { group: b, offsets: [at(0, 2), at(1, 1)], owner: null },
  ])
})

kafkaTest('a group needs partitions and offsets that exist', async () => {
  const group = newGroup()
  const bad = [
    ['unknown-partition', at(5, 0)],
    ['unknown-topic', { topic: uniqueName('admin'), partition: 0, offset: 0 }],
    ['offset-out-of-range', at(1, 6)],
    ['invalid-argument', at(1, -1)],
  ] as const
  for (const [code, place] of bad) await refuses(code, admin.commitGroup(group, [at(0, 1), place]))
  await refuses('invalid-argument', admin.commitGroup('', [at(0, 1)]))
  expect(await groupOf(group)).toBeUndefined()
})

kafkaTest('what tasks hold is shown under their pipeline, stamps are not shown', async () => {
  const pipeline = newGroup()
  const [main0, main1] = [taskGroup(pipeline, 'main/0'), taskGroup(pipeline, 'main/1')]
  await admin.commitGroup(main0, [at(0, 4), at(1, 5)])
  await admin.commitGroup(main1, [at(0, 2)])
  expect((await groupOf(pipeline))?.offsets).toEqual([at(0, 2), at(1, 5)])
  await admin.commitGroup(pipeline, [at(0, 1)])
  // As each task has its own.
  expect((await groupOf(pipeline))?.offsets).toEqual([at(0, 1), at(1, 5)])
  expect(await committedOffsets(cluster, main0, [at(0, 0), at(1, 0)])).toEqual([
    { offset: 1, metadata: '' },
    { offset: 5, metadata: '' },
  ])
  const stamps = stampGroup(pipeline)
  await admin.commitGroup(stamps, [at(0, 1)])
  groups.push(stamps)
  expect((await admin.groups()).map(({ group }) => group)).not.toContain(stamps)
})

kafkaTest('deleting a group forgets its tasks and changelogs, and nothing else', async () => {
  const pipeline = newGroup()
  const own = [changelogTopic(pipeline, 'main/0'), changelogTopic(pipeline, '#plan')]
  const users = [`${pipeline}-other-main-changelog`, `${pipeline}-list-changelog`]
  for (const { topic: name } of own) {
    await admin.ensureTopic(name, 1, changelogSettings)
  }
  await admin.ensureTopic(users[0] ?? '', 1, { 'cleanup.policy': 'compact' })
  await admin.createTopic(users[1] ?? '')
  const offsets = [at(0, 1), { topic: own[0]?.topic ?? '', partition: 0, offset: 0 }]
  await admin.commitGroup(pipeline, offsets)
  await admin.commitGroup(taskGroup(pipeline, 'main/0'), [at(0, 2)])
  expect((await groupOf(pipeline))?.offsets).toEqual([at(0, 2)])
  const neighbour = `${pipeline}-other`
  groups.push(neighbour)
  await admin.commitGroup(neighbour, [at(0, 1)])
  await admin.deleteGroup(pipeline)
  await admin.deleteGroup(pipeline)
  expect(await groupOf(pipeline)).toBeUndefined()
  expect((await groupOf(neighbour))?.offsets).toEqual([at(0, 1)])
  const left = (await admin.listTopics()).map(({ name }) => name)
  expect(left.filter((name) => name.startsWith(pipeline))).toEqual(users.toSorted())
  for (const name of users) await admin.deleteTopic(name)
})

kafkaTest('a group with members is not changed, and says who they are', async () => {
  const classic = newGroup()
  await admin.commitGroup(classic, [at(0, 1)])
  const other = await connectCluster({ brokers, clock, clientId: 'worker-a' })
  const leave = await joinClassic(other, classic)
  await expectHeld(classic, /^worker-a at 127\.0\.0\.1 \(instance instance-1\)$/)
  await leave()
  await expectFree(classic)
  const consumer = newGroup()
  await admin.commitGroup(consumer, [at(0, 1)])
  const leaveConsumer = await joinConsumer(other, consumer, topic)
  await expectHeld(consumer, /^worker-a at 127\.0\.0\.1$/)
  await leaveConsumer()
  await expectFree(consumer)
  await other.close()
})

kafkaTest('members of a streams group are found as well', async (context) => {
  if ((await cluster.features()).versionMax(89) < 0) return context.skip('no streams groups here')
  const group = newGroup()
  await admin.commitGroup(group, [at(0, 1)])
  const infos = statefulTasks(1).map((info) => ({
    ...info,
    inputs: [{ topic, partition: 0, isRepartition: false, isShared: false }],
    isStateful: false,
  }))
  const options = { group, infos, instanceId: null, protocol: 'streams' } as const
  const process = await startProcess(brokers, options)
  await expectHeld(group, /^millrace at 127\.0\.0\.1$/)
  await endProcess(process)
  await expectFree(group)
})

async function expectHeld(group: string, owner: RegExp): Promise<void> {
  expect((await groupOf(group))?.owner).toMatch(owner)
  const commit = async (): Promise<void> => admin.commitGroup(group, [at(0, 4)])
  const remove = async (): Promise<void> => admin.deleteGroup(group)
  for (const change of [commit, remove]) {
    await expect(change()).rejects.toMatchObject({
      code: 'pipeline-running',
      message: expect.stringMatching(/ at 127\.0\.0\.1/),
    })
  }
  expect((await groupOf(group))?.offsets).toEqual([at(0, 1)])
}

async function expectFree(group: string): Promise<void> {
  expect((await groupOf(group))?.owner).toBeNull()
  await admin.commitGroup(group, [at(0, 4)])
  await admin.deleteGroup(group)
  expect(await groupOf(group)).toBeUndefined()
}

kafkaTest('offsets that a transaction may change are waited for, within a limit', async () => {
  const group = newGroup()
  await admin.commitGroup(group, [at(0, 1)])
  const end = await openTransaction(cluster, group, [at(0, 3)])
  const places = [at(0, 0), at(1, 0)]
  await refuses('log-busy', committedOffsets(cluster, group, places, { limitMs: 200 }))
  const loose = await committedOffsets(cluster, group, places, { requireStable: false })
  expect(loose).toEqual([{ offset: 1, metadata: '' }, null])
  const waiting = committedOffsets(cluster, group, places)
  expect(await end({ isCommit: true })).toBe(0)
  expect(await waiting).toEqual([{ offset: 3, metadata: 'by a transaction' }, null])
})
