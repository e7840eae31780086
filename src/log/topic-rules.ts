/** Which topic names and settings are allowed, and when two settings are the same. */
import { MillraceError } from '../core/error.ts'
import { batchBytesMax } from './batch.ts'
import { defaultTopicConfig, type TopicConfig, type TopicPartition } from './log.ts'

const partitionsMax = 1024

/** @throws `invalid-topic` */
export function checkTopicName(name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new MillraceError('invalid-topic', `'${name}' cannot be the name of a topic`, {
    hint: "use 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', but not '.' or '..' alone",
  })
}

/**
 * @returns `base` with the fields of `change` that are not undefined, checked
 * @throws `invalid-topic`
 */
export function mergeConfig(
  name: string,
  change: Partial<TopicConfig>,
  base: TopicConfig = defaultTopicConfig,
): TopicConfig {
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  const config: TopicConfig = { ...base, ...Object.fromEntries(given) }
  const refuse = (field: keyof TopicConfig, allowed: string): never => {
    throw new MillraceError('invalid-topic', `${field} cannot be ${String(config[field])}`, {
      at: { topic: name },
      hint: `use ${allowed}`,
    })
  }
  const isCount = (value: number, max: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= max
  if (!isCount(config.partitions, partitionsMax)) {
    refuse('partitions', `a whole number from 1 to ${partitionsMax}`)
  }
  for (const field of ['retentionMs', 'retentionBytes'] as const) {
    const value = config[field]
    if (value !== null && !isCount(value, Number.MAX_SAFE_INTEGER)) {
      refuse(field, 'a whole number of at least 1, or null for no limit')
    }
  }
  if (config.cleanup !== 'delete' && config.cleanup !== 'compact') {
    refuse('cleanup', "'delete' or 'compact'")
  }
  if (!isCount(config.recordBytesMax, batchBytesMax)) {
    refuse('recordBytesMax', `a whole number from 1 to ${batchBytesMax}`)
  }
  return config
}

export function sameConfig(a: TopicConfig, b: TopicConfig): boolean {
  return (Object.keys(defaultTopicConfig) as (keyof TopicConfig)[]).every((k) => a[k] === b[k])
}

/** @throws `invalid-argument` where the topic is compacted */
export function checkTrimmable(at: TopicPartition, { cleanup }: TopicConfig): void {
  if (cleanup === 'delete') return
  const { topic, partition } = at
  throw new MillraceError('invalid-argument', `compacted topic '${topic}' cannot be trimmed`, {
    at: { topic, partition },
    hint: 'append a record without value for each key that is to go',
  })
}
