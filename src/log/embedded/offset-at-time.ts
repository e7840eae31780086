/** Finding a place by record time. */
import { RecordBatch } from '../batch.ts'
import type { TopicPartition } from '../log.ts'
import type { Store } from './db.ts'
import { findPartition } from './opening.ts'

/**
 * Smallest kept offset whose record time is >= `timeMs`; the end offset when there is none. Times
 * need not be in order.
 */
export function offsetAtTime(store: Store, at: TopicPartition, timeMs: number): number {
  const place = findPartition(store, at)
  // The index holds the largest time of each batch, so batches that are too old are not read. What
  // makes a batch's largest time may have been trimmed off, so there can be a second one.
  const rows = store.iterate<{ base: number; data: Uint8Array }>(
    `SELECT base_offset AS base, data FROM batches INDEXED BY batches_place
     WHERE part_id = ? AND next_offset > ? AND max_time >= ? ORDER BY next_offset LIMIT 2`,
    place.id,
    place.start,
    timeMs,
  )
  for (const row of rows) {
    const batch = new RecordBatch(at.topic, at.partition, row.base, row.data, place.start)
    for (let i = batch.first; i < batch.count; i++) {
      if (batch.time(i) >= timeMs) return batch.offset(i)
    }
  }
  return place.next
}
