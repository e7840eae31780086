/**
 * Deletes what is no longer kept: batches past their topic's retention, batches of deleted topics,
 * changelog blobs before the last complete round, producers that have been silent for long. Each
 * call does one bounded slice.
 */
import type { Store } from './db.ts'
import { update } from './row-sums.ts'

/** Rows deleted in one slice: about 1 ms for blocks of 100 KB (2026-11-23). */
const sliceRows = 32
/**
 * A producer that comes back later than this starts anew at 0, as with Kafka's
 * producer.id.expiration.
 */
const producerKeptMs = 7 * 24 * 3_600_000

export type Progress = 'more' | 'done'

interface Retained {
  readonly id: number
  readonly bytes: number
  readonly retention_ms: number | null
  readonly retention_bytes: number | null
}

interface OldBatch {
  readonly id: number
  readonly next: number
  readonly bytes: number
  readonly appended_ms: number
}

/** Oldest batches first, so that what is kept is always one stretch. */
export function retainBatches(store: Store, nowMs: number): Progress {
  const partitions = store.all<Retained & { next: number }>(
    `SELECT p.id, p.bytes, p.next_offset AS next, t.retention_ms, t.retention_bytes
     FROM partitions p JOIN topics t ON t.id = p.topic_id
     WHERE t.cleanup = 'delete' AND p.bytes > 0
       AND (t.retention_ms IS NOT NULL OR p.bytes > t.retention_bytes)`,
  )
  for (const partition of partitions) {
    const old = store.all<OldBatch>(
      `SELECT id, next_offset AS next, bytes, appended_ms FROM batches
       WHERE part_id = ? ORDER BY next_offset LIMIT ${sliceRows}`,
      partition.id,
    )
    let { bytes } = partition
    let deleted = 0
    for (const batch of old) {
      const { retention_ms: keptMs, retention_bytes: keptBytes } = partition
      const isOld = keptMs !== null && batch.appended_ms < nowMs - keptMs
      // The newest batch stays, so that one above the limit can be read at all.
      const isOver = keptBytes !== null && bytes > keptBytes && batch.next < partition.next
      if (!isOld && !isOver) break
      store.run('DELETE FROM batches WHERE id = ?', batch.id)
      bytes -= batch.bytes
      deleted += 1
    }
    if (deleted === 0) continue
    updateStart(store, partition.id, bytes)
    return 'more'
  }
  return 'done'
}

/**
 * Sets the partition's start to its oldest record, or leaves it where it was trimmed to, and its
 * size to `bytes`.
 */
export function updateStart(store: Store, partId: number, bytes: number): void {
  const oldest = store.get<{ base: number }>(
    `SELECT COALESCE(
       (SELECT base_offset FROM batches WHERE part_id = p.id ORDER BY next_offset LIMIT 1),
       next_offset) AS base FROM partitions p WHERE id = ?`,
    partId,
  )
  store.run(
    `${update('partitions', { bytes: '?1', start_offset: 'MAX(start_offset, ?2)' })} WHERE id = ?3`,
    bytes,
    oldest?.base ?? 0,
    partId,
  )
}

export function deleteDropped(store: Store): Progress {
  const dropped = store.get<{ part_id: number }>('SELECT part_id FROM dropped LIMIT 1')
  if (dropped === undefined) return 'done'
  const deleted = store.run(
    `DELETE FROM batches WHERE id IN (
       SELECT id FROM batches WHERE part_id = ? LIMIT ${sliceRows})`,
    dropped.part_id,
  )
  if (deleted < sliceRows) store.run('DELETE FROM main.dropped WHERE part_id = ?', dropped.part_id)
  return 'more'
}

export function trimChangelogs(store: Store): Progress {
  const task = store.get<{ id: number; trim_seq: number; keep_seq: number }>(
    'SELECT id, trim_seq, keep_seq FROM tasks WHERE trim_seq < keep_seq LIMIT 1',
  )
  if (task === undefined) return 'done'
  const trimSeq = Math.min(task.keep_seq, task.trim_seq + sliceRows)
  store.run(
    'DELETE FROM changelog WHERE task_id = ? AND seq >= ? AND seq < ?',
    task.id,
    task.trim_seq,
    trimSeq,
  )
  store.run(`${update('tasks', { trim_seq: '?1' })} WHERE id = ?2`, trimSeq, task.id)
  return 'more'
}

/** One statement: a producer is one small row. */
export function forgetProducers(store: Store, nowMs: number): Progress {
  store.run('DELETE FROM main.producers WHERE written_ms < ?', nowMs - producerKeptMs)
  return 'done'
}
