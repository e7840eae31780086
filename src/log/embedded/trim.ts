/**
 * Trimming: a partition's start moves up at once, in the caller's transaction; the batches before
 * it are deleted there as far as that is little work, and the rest by the upkeep. [L1, L3]
 */
import { MillraceError } from '../../core/error.ts'
import type { AppendContext } from './append.ts'
import type { PartitionPlace } from './catalog.ts'
import type { Store } from './db.ts'
import { checkOffset } from './errors.ts'
import type { Progress } from './retention.ts'
import { update } from './row-sums.ts'
import type { Answer, Ask } from './writes.ts'

/**
 * Deleted in one transaction at most. Both bounds count: a large block is a chain of pages to be
 * freed, a small one a row and its entry in the index.
 */
const freedBatchesMax = 256
const freedBytesMax = 4 << 20

const shrink = `${update('partitions', { bytes: 'bytes - ?1' })} WHERE id = ?2`
const moveStart = `${update('partitions', { start_offset: '?1' })} WHERE id = ?2`

/**
 * @throws `unknown-topic` · `unknown-partition` · `offset-out-of-range` · `invalid-argument`
 */
export function trim({ store, catalog }: AppendContext, ask: Ask<'trim'>): Answer<'trim'> {
  const moved: number[] = []
  for (const place of ask.offsets) {
    const { partId, topic, partition, config } = catalog.find(place.topic, place.partition)
    checkTrimmable({ topic, partition, config })
    const at = store.get<{ start: number; next: number }>(
      'SELECT start_offset AS start, next_offset AS next FROM partitions WHERE id = ?',
      partId,
    )
    checkOffset(place, at?.next ?? 0)
    if (at === undefined || place.offset <= at.start) continue
    store.run(moveStart, place.offset, partId)
    moved.push(partId)
  }
  const room = { batches: freedBatchesMax, bytes: freedBytesMax }
  for (const partId of moved) freeBefore(store, partId, room)
  return null
}

function checkTrimmable({
  topic,
  partition,
  config,
}: Pick<PartitionPlace, 'topic' | 'partition' | 'config'>): void {
  if (config.cleanup === 'delete') return
  throw new MillraceError('invalid-argument', `compacted topic '${topic}' cannot be trimmed`, {
    hint: 'append a record without value for each key that is to go',
    at: { topic, partition },
  })
}

/** One slice of what `trim` has left to do. */
export function freeTrimmed(store: Store): Progress {
  const left = store.get<{ id: number }>(
    `SELECT id FROM partitions p WHERE start_offset > 0 AND EXISTS (
       SELECT 1 FROM batches WHERE part_id = p.id AND next_offset <= p.start_offset) LIMIT 1`,
  )
  if (left === undefined) return 'done'
  freeBefore(store, left.id, { batches: freedBatchesMax, bytes: freedBytesMax })
  return 'more'
}

/** Deletes batches that end at or before the partition's start, oldest first, within `room`. */
function freeBefore(store: Store, partId: number, room: { batches: number; bytes: number }): void {
  if (room.batches <= 0 || room.bytes <= 0) return
  const rows = store.all<{ next: number; bytes: number }>(
    `SELECT next_offset AS next, bytes FROM batches WHERE part_id = ? AND next_offset <=
       (SELECT start_offset FROM partitions WHERE id = ?) ORDER BY next_offset LIMIT ?`,
    partId,
    partId,
    room.batches,
  )
  let upTo = -1
  let bytes = 0
  for (const row of rows) {
    upTo = row.next
    bytes += row.bytes
    room.batches -= 1
    room.bytes -= row.bytes
    if (room.bytes <= 0) break
  }
  if (upTo === -1) return
  store.run('DELETE FROM batches WHERE part_id = ? AND next_offset <= ?', partId, upTo)
  store.run(shrink, bytes, partId)
}
