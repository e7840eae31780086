/** Finding a place by record time. */
import { RecordBatch } from '../batch.ts'
import type { TopicPartition } from '../log.ts'
import type { Store } from './db.ts'
import { findPartition } from './opening.ts'

/**
 * Smallest offset whose record time is >= `timeMs`; the end offset when there is none. Times need
 * not be in order.
 */
export function offsetAtTime(store: Store, at: TopicPartition, timeMs: number): number {
  const place = findPartition(store, at)
  // The index holds the largest time of each batch, so batches that are too old are not read.
  const row = store.get<{ base: number; data: Uint8Array }>(
    `SELECT base_offset AS base, data FROM batches INDEXED BY batches_place
     WHERE part_id = ? AND max_time >= ? ORDER BY next_offset LIMIT 1`,
    place.id,
    timeMs,
  )
  if (row === undefined) return place.next
  const batch = new RecordBatch(at.topic, at.partition, row.base, row.data)
  let i = 0
  while (i < batch.count - 1 && batch.time(i) < timeMs) i += 1
  return batch.offset(i)
}
