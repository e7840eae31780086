/** Where reading begins: `--from earliest|latest|TIME|OFFSET`. */
import { InvalidArgumentError } from 'commander'
import { durationMs } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { GroupOffset, Log, TopicInfo } from '../log/log.ts'
import { offsetOfLast } from '../log/last-records.ts'

export type Position =
  | { readonly kind: 'earliest' | 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  /** The last `count` records of each partition. */
  | { readonly kind: 'last'; readonly count: number }
  /** The first record of that time or later. */
  | { readonly kind: 'time'; readonly timeMs: number }
  /** So long ago. */
  | { readonly kind: 'ago'; readonly ms: number }

/** The option's text as a position; refuses with all the forms. */
export function parsePosition(text: string): Position {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  if (/^\d{1,15}$/.test(text)) return { kind: 'offset', offset: Number(text) }
  if (/^-\d{1,15}$/.test(text)) return { kind: 'last', count: Number(text.slice(1)) }
  const agoMs = durationOf(text)
  if (agoMs !== null) return { kind: 'ago', ms: agoMs }
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(timeMs)) return { kind: 'time', timeMs }
  throw new InvalidArgumentError(
    "Write earliest, latest, an offset as '42', '-10' for the last ten, a time as " +
      "'2024-05-06T07:08:09Z', or '10m' for ten minutes ago.",
  )
}

function durationOf(text: string): number | null {
  try {
    return durationMs(text, 'from')
  } catch (error) {
    if (error instanceof MillraceError) return null
    throw error
  }
}

/**
 * The offsets to begin at, one for each of `partitions`.
 * @throws `invalid-argument` for one offset over several partitions; `offset-out-of-range` is the
 *   reader's
 */
export async function offsetsAt(
  log: Log,
  topic: TopicInfo,
  partitions: readonly number[],
  { position, nowMs }: { position: Position; nowMs: number },
): Promise<GroupOffset[]> {
  if (position.kind === 'offset' && partitions.length > 1) {
    const text =
      `offset ${position.offset} is another record in each of the ` +
      `${partitions.length} partitions of '${topic.name}'`
    throw new MillraceError('invalid-argument', text, { hint: 'name one: --partition 0' })
  }
  return await Promise.all(
    partitions.map(async (partition) => {
      const part = topic.partitions[partition]
      if (part === undefined) throw noPartition(topic, partition)
      const { startOffset, endOffset } = part
      const at = (offset: number): GroupOffset => ({ topic: topic.name, partition, offset })
      switch (position.kind) {
        case 'earliest':
          return at(startOffset)
        case 'latest':
          return at(endOffset)
        case 'offset':
          return at(position.offset)
        case 'last':
          return at(await offsetOfLast(log, at(0), part, position.count))
        case 'time':
          return at(await log.offsetAtTime(topic.name, partition, position.timeMs))
        case 'ago':
          return at(await log.offsetAtTime(topic.name, partition, nowMs - position.ms))
      }
    }),
  )
}

/** The partitions to read: the one that was named, or all. @throws `unknown-partition` */
export function partitionsOf(topic: TopicInfo, named: number | undefined): number[] {
  if (named === undefined) return topic.partitions.map(({ partition }) => partition)
  if (topic.partitions[named] === undefined) throw noPartition(topic, named)
  return [named]
}

function noPartition({ name, config }: TopicInfo, partition: number): MillraceError {
  return new MillraceError('unknown-partition', `topic '${name}' has no partition ${partition}`, {
    hint: config.partitions === 1 ? 'it has only 0' : `it has 0 to ${config.partitions - 1}`,
  })
}
