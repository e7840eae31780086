/** C1: topics are created, described, listed, altered and deleted. */
import assert from 'node:assert/strict'
import { defaultTopicConfig, type TopicConfig } from '../log.ts'
import { type LogCase, logCase } from './log-case.ts'
import {
  batchOf,
  partitionInfo,
  readAll,
  refuses,
  restored,
  taskOf,
  valuesOf,
} from './log-probe.ts'

const settings: Partial<TopicConfig> = {
  partitions: 3,
  retentionMs: 1000,
  retentionBytes: 2000,
  recordBytesMax: 3000,
}

export const topicCases: readonly LogCase[] = [
  logCase('C1 a new topic has the defaults and is empty', async (harness) => {
    const log = await harness.open()
    const info = await log.createTopic('t')
    assert.equal(info.name, 't')
    assert.deepEqual({ ...info.config }, { ...defaultTopicConfig })
    const empty = { partition: 0, startOffset: 0, endOffset: 0, bytes: 0 }
    assert.deepEqual(
      info.partitions.map((p) => ({ ...p })),
      [empty],
    )
    if (harness.clock !== null) assert.equal(info.createdMs, harness.clock.now())
    assert.ok(info.createdMs === null || Number.isFinite(info.createdMs))
    assert.deepEqual(await log.describeTopic('t'), info)
  }),
  logCase('C1 a new topic has the settings given', async (harness) => {
    const log = await harness.open()
    const info = await log.createTopic('t', { ...settings, cleanup: 'compact' })
    const config = { ...defaultTopicConfig, ...settings, cleanup: 'compact' }
    assert.deepEqual({ ...info.config }, config)
    assert.deepEqual(
      info.partitions.map((p) => p.partition),
      [0, 1, 2],
    )
    assert.deepEqual(await log.describeTopic('t'), info)
  }),
  logCase('C1 creating a topic again with the same settings keeps it', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', settings)
    await log.append([batchOf('t', 1, 'a')])
    const info = await log.createTopic('t', settings)
    assert.equal(info.partitions[1]?.endOffset, 1)
    assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), ['a'])
  }),
  logCase('C1 creating a topic again with other settings is refused', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', settings)
    const others: Partial<TopicConfig>[] = [
      { partitions: 4 },
      { partitions: 2 },
      { retentionMs: 1 },
      { retentionMs: null },
      { retentionBytes: 1 },
      { recordBytesMax: 1 },
      { cleanup: 'compact' },
    ]
    for (const other of others) {
      const create = (): unknown => log.createTopic('t', { ...settings, ...other })
      await refuses('topic-exists', create, JSON.stringify(other))
    }
    await refuses('topic-exists', () => log.createTopic('t'), 'the defaults')
    assert.deepEqual(
      { ...(await log.describeTopic('t')).config },
      { ...defaultTopicConfig, ...settings },
    )
  }),
  logCase('C1 a name is 1 to 249 of a-z, A-Z, 0-9, dot, underscore, minus', async (harness) => {
    const log = await harness.open()
    const longest = 'x'.repeat(249)
    const bad = ['', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'a:b', "a'", `${longest}x`]
    for (const name of bad) await refuses('invalid-topic', () => log.createTopic(name), `'${name}'`)
    assert.deepEqual(await log.listTopics(), [])
    for (const name of [longest, 'a.b_c-D9', '...', '-', '0']) {
      assert.equal((await log.createTopic(name)).name, name)
    }
  }),
  logCase('C1 counts that are not allowed are refused', async (harness) => {
    const log = await harness.open()
    for (const partitions of [0, -1, 1.5, NaN, Infinity, 1025]) {
      const create = (): unknown => log.createTopic('t', { partitions })
      await refuses('invalid-topic', create, `${partitions} partitions`)
    }
    const bad = [{ recordBytesMax: 0 }, { recordBytesMax: NaN }, { retentionMs: -1 }]
    for (const config of [...bad, { retentionBytes: -1 }]) {
      await refuses('invalid-topic', () => log.createTopic('t', config), JSON.stringify(config))
    }
    assert.deepEqual(await log.listTopics(), [])
    const most = await log.createTopic('t', { partitions: 1024 })
    assert.equal(most.partitions.at(-1)?.partition, 1023)
  }),
  logCase('C1 an unknown topic is refused everywhere', async (harness) => {
    const log = await harness.open()
    const calls = [
      () => log.describeTopic('t'),
      () => log.deleteTopic('t'),
      () => log.alterTopic('t', { partitions: 2 }),
      () => log.append([batchOf('t', 0, 'a')]),
      () => log.openReader([{ topic: 't', partition: 0, offset: 0 }]),
      () => log.offsetAtTime('t', 0, 0),
      () => log.open(taskOf()),
    ]
    for (const call of calls) await refuses('unknown-topic', call, call.toString())
    assert.deepEqual(await log.groups(), [])
  }),
  logCase('C1 topics are listed in order of name', async (harness) => {
    const log = await harness.open()
    for (const name of ['b', 'a', 'c9', 'c10', 'B']) await log.createTopic(name)
    await log.append([batchOf('a', 0, 'x')])
    const list = await log.listTopics()
    assert.deepEqual(
      list.map((topic) => topic.name),
      ['B', 'a', 'b', 'c10', 'c9'],
    )
    assert.deepEqual(list[1], await log.describeTopic('a'))
    assert.equal(list[1]?.partitions[0]?.endOffset, 1)
  }),
  logCase('C1 deleting a topic deletes records, name and offsets', async (harness) => {
    const log = await harness.open()
    for (const name of ['t', 'other']) {
      await log.createTopic(name)
      await log.append([batchOf(name, 0, 'a', 'b')])
    }
    const places = ['t', 'other'].map((topic) => ({ topic, partition: 0, offset: 1 }))
    await log.commitGroup('g', places)
    const session = await log.open(taskOf())
    await session.commit({ offsets: [2], appends: [], changelog: null })
    await session.close()
    await log.deleteTopic('t')
    await refuses('unknown-topic', () => log.describeTopic('t'), 'the deleted topic')
    const groups = (await log.groups()).filter((group) => group.offsets.length > 0)
    assert.deepEqual(
      groups.map(({ group, offsets }) => [group, offsets]),
      [['g', [places[1]]]],
    )
    await log.createTopic('t')
    assert.equal((await partitionInfo(log, 't', 0)).endOffset, 0)
    assert.deepEqual((await log.open(taskOf())).offsets, [0])
    assert.deepEqual(valuesOf(await readAll(harness, log, 'other')), ['a', 'b'])
  }),
  logCase('C1 partitions grow and never shrink', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2, retentionMs: 5 })
    await log.append([batchOf('t', 1, 'a')])
    for (const partitions of [1, 0, 1025, 2.5]) {
      const alter = (): unknown => log.alterTopic('t', { partitions })
      await refuses('invalid-topic', alter, `${partitions} partitions`)
    }
    const grown = await log.alterTopic('t', { partitions: 4 })
    assert.deepEqual({ ...grown.config }, { ...defaultTopicConfig, partitions: 4, retentionMs: 5 })
    assert.deepEqual(
      grown.partitions.map((p) => [p.partition, p.endOffset]),
      [0, 1, 2, 3].map((partition) => [partition, partition === 1 ? 1 : 0]),
    )
    assert.equal((await log.append([batchOf('t', 3, 'b')]))[0]?.baseOffset, 0)
    assert.deepEqual(valuesOf(await readAll(harness, log, 't', 1)), ['a'])
  }),
  logCase('C1 settings change one by one and take effect', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', settings)
    await log.alterTopic('t', { retentionMs: null })
    const { config } = await log.alterTopic('t', { recordBytesMax: 4, cleanup: 'compact' })
    const wanted = { ...settings, retentionMs: null, recordBytesMax: 4, cleanup: 'compact' }
    assert.deepEqual({ ...config }, { ...defaultTopicConfig, ...wanted })
    assert.deepEqual({ ...(await log.describeTopic('t')).config }, { ...config })
    await log.append([batchOf('t', 0, 'abc')])
    await refuses('record-too-large', () => log.append([batchOf('t', 0, 'abcd')]), '5 bytes')
  }),
  logCase('C1 a description follows what is appended', async (harness) => {
    const log = await harness.open()
    await log.createTopic('t', { partitions: 2 })
    await log.append([batchOf('t', 0, 'a', 'b', 'c')])
    const first = await partitionInfo(log, 't', 0)
    assert.deepEqual([first.startOffset, first.endOffset], [0, 3])
    assert.ok(first.bytes > 0)
    await log.append([batchOf('t', 0, 'd')])
    const second = await partitionInfo(log, 't', 0)
    assert.ok(second.bytes > first.bytes)
    assert.equal(second.endOffset, 4)
    const empty = { partition: 1, startOffset: 0, endOffset: 0, bytes: 0 }
    assert.deepEqual({ ...(await partitionInfo(log, 't', 1)) }, empty)
  }),
  logCase(
    'C1 topics outlive the log that made them',
    async (harness) => {
      const log = await harness.open()
      await log.createTopic('t', settings)
      await log.createTopic('gone')
      await log.deleteTopic('gone')
      const before = await log.alterTopic('t', { partitions: 5 })
      await log.close()
      const again = await harness.open()
      assert.deepEqual(await again.listTopics(), [before])
      assert.deepEqual(await restored(await again.open(taskOf())), [])
    },
    ['reopen'],
  ),
]
