/** Topics as tables for people and as JSON for programs. */
import { formatDuration } from '../core/duration.ts'
import type { TopicInfo } from '../log/log.ts'
import { table } from './table.ts'
import { formatBytes, formatCount, formatTime } from './text-format.ts'

const noLimit = 'none'

export function topicTable(topics: readonly TopicInfo[]): string {
  return table(
    [
      { title: 'TOPIC' },
      { title: 'PARTITIONS', align: 'right' },
      { title: 'RECORDS', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'RETENTION' },
    ],
    topics.map((topic) => [
      topic.name,
      formatCount(topic.config.partitions),
      formatCount(recordCount(topic)),
      formatBytes(byteCount(topic)),
      retentionText(topic),
    ]),
  )
}

export function describeText(topic: TopicInfo): string {
  const { config } = topic
  const facts = [
    ['topic', topic.name],
    ...(topic.createdMs === null
      ? []
      : [['created', `${formatTime(topic.createdMs)} UTC`] as const]),
    ['records', formatCount(recordCount(topic))],
    ['size', formatBytes(byteCount(topic))],
    ['retention', retentionText(topic)],
    ['largest record', formatBytes(config.recordBytesMax)],
  ]
  const partitions = table(
    [
      { title: 'PARTITION', align: 'right' },
      { title: 'START', align: 'right' },
      { title: 'END', align: 'right' },
      { title: 'SIZE', align: 'right' },
    ],
    topic.partitions.map((part) => [
      String(part.partition),
      formatCount(part.startOffset),
      formatCount(part.endOffset),
      formatBytes(part.bytes),
    ]),
  )
  return `${facts.map(([name, value]) => `${name?.padEnd(16)}${value}\n`).join('')}\n${partitions}`
}

export function topicJson(topic: TopicInfo): Record<string, unknown> {
  const { config } = topic
  return {
    topic: topic.name,
    partitions: config.partitions,
    createdMs: topic.createdMs,
    records: recordCount(topic),
    bytes: byteCount(topic),
    retentionMs: config.retentionMs,
    retentionBytes: config.retentionBytes,
    cleanup: config.cleanup,
    recordBytesMax: config.recordBytesMax,
    offsets: topic.partitions.map(({ partition, startOffset, endOffset, bytes }) => ({
      partition,
      start: startOffset,
      end: endOffset,
      bytes,
    })),
  }
}

/** Offsets between start and end: after compaction somewhat more than there are records. */
export function recordCount(topic: TopicInfo): number {
  return topic.partitions.reduce((sum, part) => sum + part.endOffset - part.startOffset, 0)
}

function byteCount(topic: TopicInfo): number {
  return topic.partitions.reduce((sum, part) => sum + part.bytes, 0)
}

function retentionText({ config }: TopicInfo): string {
  const limits = [
    ...(config.retentionMs === null ? [] : [formatDuration(config.retentionMs)]),
    ...(config.retentionBytes === null
      ? []
      : [`${formatBytes(config.retentionBytes)} a partition`]),
    ...(config.cleanup === 'compact' ? ['newest of each key'] : []),
  ]
  return limits.length === 0 ? noLimit : limits.join(', ')
}
