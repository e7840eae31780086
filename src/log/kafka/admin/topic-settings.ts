/** A topic's settings, in Millrace's words and in Kafka's. */
import { defaultTopicConfig } from '../../log.ts'
import type { TopicConfig } from '../../log.ts'

/**
 * Kafka limits a batch, Millrace a record: so much more than the largest record may take with its
 * batch around it.
 */
const batchOverhead = 1024
const anyTime = '9223372036854775807'

/** The settings that Millrace reads and writes. */
export const settingNames = [
  'retention.ms',
  'retention.bytes',
  'cleanup.policy',
  'max.message.bytes',
] as const

export function settingsOf(config: Omit<TopicConfig, 'partitions'>): Record<string, string> {
  return {
    'retention.ms': String(config.retentionMs ?? -1), // Kafka's own default is seven days
    'retention.bytes': String(config.retentionBytes ?? -1),
    'cleanup.policy': config.cleanup,
    'max.message.bytes': String(config.recordBytesMax + batchOverhead),
    // Record times are event times, of any day.
    'message.timestamp.before.max.ms': anyTime,
    'message.timestamp.after.max.ms': anyTime,
  }
}

export function configOf(
  partitions: number,
  settings: ReadonlyMap<string, string | null>,
): TopicConfig {
  const limit = (name: string): number | null => {
    const value = Number(settings.get(name) ?? -1)
    return value < 0 ? null : value
  }
  const batchBytesMax = limit('max.message.bytes')
  return {
    partitions,
    retentionMs: limit('retention.ms'),
    retentionBytes: limit('retention.bytes'),
    cleanup: (settings.get('cleanup.policy') ?? '').includes('compact') ? 'compact' : 'delete',
    recordBytesMax:
      batchBytesMax === null
        ? defaultTopicConfig.recordBytesMax
        : Math.max(1, batchBytesMax - batchOverhead),
  }
}

export function batchBytesMaxOf({ recordBytesMax }: TopicConfig): number {
  return recordBytesMax + batchOverhead
}
