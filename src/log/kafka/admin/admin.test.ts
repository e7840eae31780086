/** What the brokers' error codes become. */
import { describe, expect, test } from 'vitest'
import { isCode, MillraceError } from '../../../core/error.ts'
import type { ErrorCode } from '../../../core/error.ts'
import { errorCode } from '../wire/error-codes.ts'
import { createAdmin } from './admin.ts'
import type { KafkaAdmin } from './admin.ts'
import { scriptedCluster, seen, seenTopic, topicId } from './test-cluster.ts'
import type { Script, ScriptedCluster } from './test-cluster.ts'

const none = seen()
const place = { topic: 't', partition: 0 }

function lost(): never {
  throw new MillraceError('log-unreachable', 'connection closed', { outcome: 'unknown' })
}

function adminOn(script: Script): ScriptedCluster & { admin: KafkaAdmin } {
  const scripted = scriptedCluster(script)
  const { cluster } = scripted
  return { ...scripted, admin: createAdmin({ cluster, clock: cluster.clock }) }
}

interface Case {
  readonly what: keyof typeof calls
  readonly api: string
  readonly code: number
  readonly is: ErrorCode
  /** Part of the message or the hint. */
  readonly says: string
}

const calls = {
  create: (admin: KafkaAdmin) => admin.createTopic('t'),
  grow: (admin: KafkaAdmin) => admin.alterTopic('t', { partitions: 2 }),
  alter: (admin: KafkaAdmin) => admin.alterTopic('t', { retentionMs: 7 }),
  drop: (admin: KafkaAdmin) => admin.deleteTopic('t'),
  show: (admin: KafkaAdmin) => admin.describeTopic('t'),
  trim: (admin: KafkaAdmin) => admin.trim([{ ...place, offset: 3 }]),
  groups: (admin: KafkaAdmin) => admin.groups(),
  commit: (admin: KafkaAdmin) => admin.commitGroup('g', [{ ...place, offset: 3 }]),
  forget: (admin: KafkaAdmin) => admin.deleteGroup('g'),
} as const

/** The answer to each request that says nothing but the code. */
function answerOf(api: string, code: number): unknown {
  const group = { group: 'g', code, offsets: [], members: [], state: 'stable', type: 'classic' }
  const answers: Record<string, unknown> = {
    DescribeConfigs: [{ name: 't', code, reason: null, settings: new Map() }],
    DescribeLogDirs: { code, sizes: [] },
    DeleteRecords: [{ ...place, code }],
    ListGroups: { code, groups: [] },
    OffsetFetch: [group],
    OffsetCommit: [{ ...place, code }],
    DeleteGroups: { code },
  }
  return answers[api] ?? { code, reason: 'the broker says why' }
}

const cases: readonly Case[] = [
  { what: 'create', api: 'CreateTopics', code: 17, is: 'invalid-topic', says: 'only in . and _' },
  {
    what: 'create',
    api: 'CreateTopics',
    code: 29,
    is: 'not-authorised',
    says: 'Create on topic t',
  },
  { what: 'create', api: 'CreateTopics', code: 31, is: 'not-authorised', says: 'on the cluster' },
  {
    what: 'create',
    api: 'CreateTopics',
    code: 37,
    is: 'invalid-topic',
    says: 'INVALID_PARTITIONS',
  },
  { what: 'create', api: 'CreateTopics', code: 38, is: 'invalid-topic', says: 'brokers' },
  { what: 'create', api: 'CreateTopics', code: 40, is: 'invalid-topic', says: 'says why' },
  { what: 'create', api: 'CreateTopics', code: 44, is: 'invalid-topic', says: 'policy' },
  { what: 'create', api: 'CreateTopics', code: 42, is: 'log-failed', says: 'INVALID_REQUEST' },
  { what: 'create', api: 'CreateTopics', code: 41, is: 'log-unreachable', says: 'controller' },
  { what: 'create', api: 'CreateTopics', code: 7, is: 'log-unreachable', says: 'brokers up' },
  { what: 'create', api: 'CreateTopics', code: 89, is: 'log-busy', says: 'limit' },
  { what: 'grow', api: 'CreatePartitions', code: 29, is: 'not-authorised', says: 'Alter on topic' },
  { what: 'grow', api: 'CreatePartitions', code: 37, is: 'invalid-topic', says: 'says why' },
  { what: 'grow', api: 'CreatePartitions', code: 60, is: 'log-failed', says: 'REASSIGNMENT' },
  {
    what: 'alter',
    api: 'IncrementalAlterConfigs',
    code: 29,
    is: 'not-authorised',
    says: 'AlterConfigs on topic t',
  },
  { what: 'alter', api: 'IncrementalAlterConfigs', code: 44, is: 'invalid-topic', says: 'policy' },
  { what: 'drop', api: 'DeleteTopics', code: 29, is: 'not-authorised', says: 'Delete on topic t' },
  { what: 'drop', api: 'DeleteTopics', code: 73, is: 'log-unsupported', says: 'delete.topic' },
  { what: 'drop', api: 'DeleteTopics', code: 3, is: 'unknown-topic', says: "'t'" },
  { what: 'show', api: 'DescribeConfigs', code: 29, is: 'not-authorised', says: 'DescribeConfigs' },
  { what: 'trim', api: 'DeleteRecords', code: 1, is: 'offset-out-of-range', says: 't/0' },
  { what: 'trim', api: 'DeleteRecords', code: 29, is: 'not-authorised', says: 'Delete on topic t' },
  { what: 'trim', api: 'DeleteRecords', code: 44, is: 'invalid-topic', says: 'policy' },
  { what: 'trim', api: 'DeleteRecords', code: 6, is: 'log-failed', says: 'NOT_LEADER' },
  { what: 'groups', api: 'ListGroups', code: 15, is: 'log-failed', says: 'COORDINATOR' },
  { what: 'commit', api: 'OffsetCommit', code: 22, is: 'pipeline-running', says: "'g' is run by" },
  { what: 'commit', api: 'OffsetCommit', code: 25, is: 'pipeline-running', says: 'stop' },
  { what: 'commit', api: 'OffsetCommit', code: 27, is: 'pipeline-running', says: 'stop' },
  { what: 'commit', api: 'OffsetCommit', code: 29, is: 'not-authorised', says: 'Read on topic t' },
  { what: 'commit', api: 'OffsetCommit', code: 30, is: 'not-authorised', says: 'Read on group g' },
  { what: 'commit', api: 'OffsetCommit', code: 69, is: 'invalid-argument', says: 'another kind' },
  {
    what: 'forget',
    api: 'DeleteGroups',
    code: 30,
    is: 'not-authorised',
    says: 'Delete on group g',
  },
  {
    what: 'forget',
    api: 'DeleteGroups',
    code: 68,
    is: 'pipeline-running',
    says: 'another process',
  },
  { what: 'forget', api: 'DeleteGroups', code: 24, is: 'invalid-argument', says: 'empty' },
]

describe.each(cases)('$what: $api answers $code', ({ what, api, code, is, says }) => {
  test(`${is}`, async () => {
    // To be created, it must not be there yet.
    const metadata = what === 'create' ? [none] : [seenTopic]
    const { admin, cluster } = adminOn({ Metadata: metadata, [api]: [answerOf(api, code)] })
    const error: unknown = await calls[what](admin).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(isCode(error, is), String(error)).toBe(true)
    const { message, hint } = error as MillraceError
    expect(`${message} ${hint}`).toContain(says)
    expect(hint).toBeTruthy()
    expect(cluster.clock.monotonic()).toBeLessThan(31_000)
  })
})

describe('what passes by itself', () => {
  test.each([7, 41, 89])('code %d is waited for', async (code) => {
    const { admin, sent } = adminOn({
      Metadata: [none, seenTopic],
      CreateTopics: [answerOf('', code), lost, answerOf('', code), answerOf('', 0)],
      DescribeConfigs: [newSettings()],
    })
    expect((await admin.createTopic('t')).name).toBe('t')
    expect(sent.filter((name) => name === 'CreateTopics')).toHaveLength(4)
  })

  test('a topic that was made although the answer was lost', async () => {
    const { admin } = adminOn({
      Metadata: [none, seenTopic],
      CreateTopics: [lost, answerOf('', errorCode.topicAlreadyExists)],
      DescribeConfigs: [newSettings()],
    })
    expect((await admin.createTopic('t')).partitions).toHaveLength(1)
  })

  test('a topic without a leader is waited for', async () => {
    const leaderless = { partition: 0, leader: -1, leaderEpoch: 0, replicas: [1], isr: [] }
    const meta = { name: 't', id: topicId, isInternal: false, partitions: [leaderless] }
    const { admin, sent } = adminOn({
      Metadata: [none, none, seen(meta), seenTopic],
      CreateTopics: [answerOf('', 0)],
      DescribeConfigs: [newSettings()],
    })
    await admin.createTopic('t')
    expect(sent.filter((name) => name === 'Metadata')).toHaveLength(4)
  })

  test('a topic that was deleted although the answer was lost', async () => {
    const { admin, requests } = adminOn({
      Metadata: [none],
      topics: [{ topics: [(seenTopic as { topics: unknown[] }).topics[0]] }, { topics: [] }],
      DeleteTopics: [lost, answerOf('', errorCode.unknownTopicId)],
    })
    await admin.deleteTopic('t')
    const ids = requests.filter(({ name }) => name === 'DeleteTopics').map((one) => one.request)
    expect(ids).toMatchObject([{ id: topicId }, { id: topicId }])
  })

  test('a leader or a coordinator that has moved is looked up again', async () => {
    const moved = adminOn({
      DeleteRecords: [answerOf('DeleteRecords', 6), answerOf('DeleteRecords', 0)],
      OffsetCommit: [answerOf('OffsetCommit', 16), answerOf('OffsetCommit', 0)],
      DeleteGroups: [answerOf('DeleteGroups', 16), answerOf('DeleteGroups', 69)],
    })
    await moved.admin.trim([{ ...place, offset: 3 }])
    await moved.admin.commitGroup('g', [{ ...place, offset: 3 }])
    await moved.admin.deleteGroup('h')
    expect(moved.forgotten).toEqual([{ topic: 't' }, { group: 'g' }, { group: 'h' }])
  })
})

function newSettings(): unknown {
  const settings = new Map([
    ['retention.ms', '-1'],
    ['retention.bytes', '-1'],
    ['cleanup.policy', 'delete'],
    ['max.message.bytes', '1049600'],
  ])
  return [{ name: 't', code: 0, reason: null, settings }]
}

describe('what a user without rights still gets', () => {
  test('a description without sizes', async () => {
    const { admin } = adminOn({ DescribeLogDirs: [answerOf('DescribeLogDirs', 31)] })
    expect((await admin.describeTopic('t')).partitions[0]?.bytes).toBe(0)
    const { admin: other } = adminOn({})
    expect((await other.describeTopic('t')).partitions[0]?.bytes).toBe(100)
  })

  test("limits: Kafka's defaults", async () => {
    const { admin } = adminOn({ DescribeConfigs: [answerOf('DescribeConfigs', 29)] })
    const limits = { recordBytesMax: 1_047_564, batchBytesMax: 1_048_588, isCompacted: false }
    expect(await admin.limits('t')).toEqual(limits)
  })

  test('a topic that is there is not created, which would take a right', async () => {
    const { admin, sent } = adminOn({ DescribeConfigs: [newSettings()] })
    await admin.createTopic('t')
    expect(sent).not.toContain('CreateTopics')
  })
})

test('limits are remembered, until the topic is altered', async () => {
  const { admin, sent } = adminOn({
    DescribeConfigs: [newSettings()],
    IncrementalAlterConfigs: [answerOf('', 0)],
  })
  const asked = (): number => sent.filter((name) => name === 'DescribeConfigs').length
  await admin.limits('t')
  await admin.limits('t')
  expect(asked()).toBe(1)
  await admin.alterTopic('t', {})
  const before = asked()
  await admin.limits('t')
  expect(asked()).toBe(before + 1)
})

test('settings that are as wished are not sent again', async () => {
  const { admin, sent } = adminOn({ DescribeConfigs: [newSettings()] })
  await admin.alterTopic('t', { retentionMs: null, partitions: 1 })
  expect(sent).not.toContain('IncrementalAlterConfigs')
  expect(sent).not.toContain('CreatePartitions')
})
