/** Settings of a topic as Millrace has them, and as Kafka has them. */
import { batchBytesMax } from '../../batch.ts'
import { defaultTopicConfig } from '../../log.ts'
import type { TopicConfig } from '../../log.ts'
import type { TopicLimits } from '../produce/appends.ts'

/** By Kafka's names. */
export type Settings = Readonly<Record<string, string>>

/**
 * Kafka limits the batch (max.message.bytes), Millrace the record. A batch of one record adds 61
 * bytes of its own and a few for lengths, and headers are encoded a little differently.
 */
const batchOverheadBytes = 1024

/** Kafka's own default of max.message.bytes. */
const kafkaBatchBytesMax = 1_048_588

/** The largest number of 64 bits: no limit, where Kafka has no other way to say so. */
const noLimit = '9223372036854775807'

/** What `configOf` and `limitsOf` look at. */
export const settingNames = [
  'cleanup.policy',
  'max.message.bytes',
  'retention.bytes',
  'retention.ms',
] as const

/**
 * Record time is event time: the broker must neither replace it nor refuse it, be it long ago or
 * ahead. (From 4.0 on brokers by default refuse what is more than an hour ahead.)
 */
export const timeSettings: Settings = {
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': noLimit,
  'message.timestamp.after.max.ms': noLimit,
}

/** Explicit also where they are Kafka's defaults: whoever runs the brokers may have set others. */
export function settingsOf(config: TopicConfig): Settings {
  return {
    'cleanup.policy': config.cleanup,
    'max.message.bytes': String(config.recordBytesMax + batchOverheadBytes),
    'retention.bytes': String(config.retentionBytes ?? -1),
    // Kafka would delete after 7 days.
    'retention.ms': String(config.retentionMs ?? -1),
  }
}

/** What differs, as Kafka has it; null: nothing. */
export function changedSettings(from: TopicConfig, to: TopicConfig): Settings | null {
  const before = settingsOf(from)
  const changed = Object.entries(settingsOf(to)).filter(([name, value]) => before[name] !== value)
  return changed.length === 0 ? null : Object.fromEntries(changed)
}

/**
 * A topic that others made may have values that Millrace does not: they are shown as the nearest
 * ones it has. `compact,delete` is shown as `compact`, for its records may be replaced.
 */
export function configOf(
  partitions: number,
  settings: ReadonlyMap<string, string | null>,
): TopicConfig {
  const limit = (name: string): number | null => {
    const value = Number(settings.get(name) ?? -1)
    return value < 0 || value > Number.MAX_SAFE_INTEGER ? null : Math.max(value, 1)
  }
  const { recordBytesMax, isCompacted } = limitsOf(settings)
  return {
    partitions,
    retentionMs: limit('retention.ms'),
    retentionBytes: limit('retention.bytes'),
    cleanup: isCompacted ? 'compact' : 'delete',
    recordBytesMax,
  }
}

/** What a producer must keep to. */
export function limitsOf(settings: ReadonlyMap<string, string | null>): TopicLimits {
  const bytesMax = Number(settings.get('max.message.bytes') ?? kafkaBatchBytesMax)
  const policies = (settings.get('cleanup.policy') ?? defaultTopicConfig.cleanup).split(',')
  return {
    recordBytesMax: Math.min(Math.max(bytesMax - batchOverheadBytes, 1), batchBytesMax),
    batchBytesMax: bytesMax,
    isCompacted: policies.some((policy) => policy.trim() === 'compact'),
  }
}
