/**
 * Where the last records of a partition begin. Offsets may hold no record: what was compacted away,
 * transactions that were aborted, and on Kafka the end of each transaction.
 */
import type { Log, TopicPartition } from './log.ts'

/** Each look goes back so many times as far as the one before. */
const growth = 4
/** When nothing comes for this long, there is nothing: the end may have been compacted away. */
const silenceMs = 5_000

export interface Range {
  readonly startOffset: number
  readonly endOffset: number
}

/** @returns the offset of the `count`-th record from the end; of the first where there are fewer */
export async function offsetOfLast(
  log: Log,
  place: TopicPartition,
  { startOffset, endOffset }: Range,
  count: number,
): Promise<number> {
  if (count === 0) return endOffset
  let missing = count
  let to = endOffset
  for (let back = count; to > startOffset; back *= growth) {
    const from = Math.max(startOffset, endOffset - back)
    if (from === startOffset && to - from <= missing) return startOffset
    const offsets = await lastOffsets(log, place, { from, to, max: missing })
    if (offsets.length === missing) return offsets[0] ?? from
    missing -= offsets.length
    to = from
  }
  return startOffset
}

/** The offsets of the last records in [from, to), at most `max`. */
async function lastOffsets(
  log: Log,
  place: TopicPartition,
  { from, to, max }: { readonly from: number; readonly to: number; readonly max: number },
): Promise<number[]> {
  const offsets: number[] = []
  const reader = await log.openReader([{ ...place, offset: from }])
  try {
    for (let next = from; next < to;) {
      const batch = reader.poll(0)
      if (batch === null) {
        if ((await reader.wait(silenceMs)) === 'ready') continue
        break
      }
      for (let i = batch.first; i < batch.count && batch.offset(i) < to; i++) {
        offsets.push(batch.offset(i))
      }
      // Not at each record: it moves the whole list.
      if (offsets.length >= 2 * max) offsets.splice(0, offsets.length - max)
      next = batch.nextOffset
    }
  } finally {
    await reader.close()
  }
  return offsets.slice(-max)
}
