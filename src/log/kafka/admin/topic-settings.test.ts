import { expect, test } from 'vitest'
import { defaultTopicConfig } from '../../log.ts'
import type { TopicConfig } from '../../log.ts'
import { changedSettings, configOf, limitsOf, settingsOf } from './topic-settings.ts'

const other: TopicConfig = {
  partitions: 3,
  retentionMs: 1000,
  retentionBytes: 2000,
  cleanup: 'compact',
  recordBytesMax: 3000,
}

test.each([defaultTopicConfig, other])('settings come back as they were: %o', (config) => {
  const settings = new Map(Object.entries(settingsOf(config)))
  expect(configOf(config.partitions, settings)).toEqual(config)
})

test('only what differs is changed', () => {
  expect(changedSettings(other, { ...other, partitions: 4 })).toBeNull()
  expect(changedSettings(other, { ...other, retentionMs: null, cleanup: 'delete' })).toEqual({
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
  })
})

test.each([
  [{ 'cleanup.policy': 'compact,delete' }, { cleanup: 'compact' }],
  [{ 'cleanup.policy': 'delete, compact' }, { cleanup: 'compact' }],
  [{ 'retention.ms': '604800000' }, { retentionMs: 604_800_000 }],
  [
    { 'retention.ms': '0', 'retention.bytes': '0' },
    { retentionMs: 1, retentionBytes: 1 },
  ],
  [{ 'retention.ms': '9223372036854775807' }, { retentionMs: null }],
  [{ 'max.message.bytes': '1048588' }, { recordBytesMax: 1_047_564 }],
  [{ 'max.message.bytes': '100' }, { recordBytesMax: 1 }],
  [{ 'max.message.bytes': '2147483647' }, { recordBytesMax: 2 ** 30 }],
])('a topic that others made: %o', (settings, shown) => {
  expect(configOf(1, new Map(Object.entries(settings)))).toMatchObject(shown)
})

test('producers keep to the real limit of a batch', () => {
  expect(limitsOf(new Map([['max.message.bytes', '100']]))).toMatchObject({ batchBytesMax: 100 })
})
