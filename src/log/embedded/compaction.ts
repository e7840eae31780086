/**
 * Compaction of topics with `cleanup: 'compact'`: of each key only the newest record is kept. A
 * pass over a partition first notes the newest offset of each key in what was appended since the
 * last pass, then rewrites the older batches without the records that those supersede. Offsets
 * never change; the newest batch is never touched. After Kafka's log cleaner.
 *
 * A tombstone older than a day is dropped as well. That is safe because a pass goes in offset
 * order: what the tombstone deletes lies before it and is gone already. A pass that was cut off is
 * begun anew, never resumed.
 */
import { BatchBuilder, RecordBatch } from '../batch.ts'
import type { Store } from './db.ts'
import { type Progress, updateStart } from './retention.ts'
import { update } from './row-sums.ts'

/** Bytes of batches that one slice reads: 1 ms at the median, 5 ms at most (2026-11-23). */
const sliceBytes = 1 << 20
/** Bytes of keys that a pass notes at most; what is beyond waits for the next pass. */
const noteBytesMax = 64 << 20
/** What a noted key costs beside its bytes, about. */
const noteBytes = 64
/** Appended bytes that make a pass worth it, however small the rest is. */
const worthBytes = 1 << 20
const tombstoneKeptMs = 24 * 3_600_000

interface Pass {
  readonly partId: number
  readonly topic: string
  readonly partition: number
  /** Newest offset of each key (as latin1 text). */
  readonly newest: Map<string, number>
  notedBytes: number
  phase: 'note' | 'rewrite'
  /** Batches that end above this are next. */
  cursor: number
  /** Batches up to this end are noted and may be rewritten. */
  endOffset: number
  /** When the first tombstone that was kept falls due. */
  againMs: number | null
}

interface BatchRow {
  readonly id: number
  readonly base: number
  readonly next: number
  readonly appended_ms: number
  readonly bytes: number
  readonly data: Uint8Array
}

export class Compaction {
  readonly #store: Store
  readonly #builder = new BatchBuilder()
  #pass: Pass | null = null

  constructor(store: Store) {
    this.#store = store
  }

  /** Forgets a pass under way: after a rollback it may not go on. */
  reset(): void {
    this.#pass = null
  }

  slice(nowMs: number, extent: 'due' | 'all'): Progress {
    this.#pass ??= this.#next(nowMs, extent)
    if (this.#pass === null) return 'done'
    if (this.#pass.phase === 'note') this.#note(this.#pass)
    else this.#rewrite(this.#pass, nowMs)
    return 'more'
  }

  #next(nowMs: number, extent: 'due' | 'all'): Pass | null {
    const worth = extent === 'all' ? 'TRUE' : `p.bytes >= 2 * p.compacted_bytes + ${worthBytes}`
    const row = this.#store.get<{
      id: number
      name: string
      partition: number
      compacted: number
      newestBase: number
    }>(
      `SELECT * FROM (
         SELECT p.id, t.name, p.partition, p.compacted_offset AS compacted,
           p.compact_again_ms AS again,
           ${worth} AS worth,
           (SELECT base_offset FROM batches WHERE part_id = p.id ORDER BY next_offset DESC LIMIT 1)
             AS newestBase
         FROM partitions p JOIN topics t ON t.id = p.topic_id WHERE t.cleanup = 'compact')
       WHERE newestBase IS NOT NULL AND ((worth AND newestBase > compacted) OR again <= ?) LIMIT 1`,
      nowMs,
    )
    if (row === undefined) return null
    return {
      partId: row.id,
      topic: row.name,
      partition: row.partition,
      newest: new Map(),
      notedBytes: 0,
      phase: 'note',
      cursor: row.compacted,
      endOffset: row.newestBase,
      againMs: null,
    }
  }

  #batches(pass: Pass): BatchRow[] {
    const rows: BatchRow[] = []
    let bytes = 0
    const found = this.#store.iterate<BatchRow>(
      `SELECT id, base_offset AS base, next_offset AS next, appended_ms, bytes, data FROM batches
       WHERE part_id = ? AND next_offset > ? ORDER BY next_offset`,
      pass.partId,
      pass.cursor,
    )
    for (const row of found) {
      rows.push(row)
      bytes += row.bytes
      if (bytes >= sliceBytes) break
    }
    return rows
  }

  /** Reads on to the end, the newest batch included: its keys supersede as well. */
  #note(pass: Pass): void {
    const rows = this.#batches(pass)
    for (const row of rows) {
      const batch = new RecordBatch(pass.topic, pass.partition, row.base, row.data)
      for (let i = 0; i < batch.count; i++) {
        const key = batch.key(i)?.toString('latin1')
        if (key === undefined) continue
        if (!pass.newest.has(key)) pass.notedBytes += key.length + noteBytes
        pass.newest.set(key, batch.offset(i))
      }
      pass.cursor = row.next
      if (pass.notedBytes >= noteBytesMax) {
        pass.endOffset = Math.min(pass.endOffset, row.next)
        break
      }
    }
    if (rows.length > 0 && pass.notedBytes < noteBytesMax) return
    pass.phase = 'rewrite'
    pass.cursor = 0
  }

  #rewrite(pass: Pass, nowMs: number): void {
    const rows = this.#batches(pass).filter((row) => row.next <= pass.endOffset)
    let gained = 0
    for (const row of rows) {
      gained += this.#rewriteBatch(pass, row, nowMs)
      pass.cursor = row.next
    }
    const { partId } = pass
    if (gained > 0) {
      const partition = this.#store.get<{ bytes: number }>(
        'SELECT bytes FROM partitions WHERE id = ?',
        partId,
      )
      updateStart(this.#store, partId, (partition?.bytes ?? 0) - gained)
    }
    if (rows.length > 0) return
    this.#store.run(
      `${update('partitions', {
        compacted_offset: '?1',
        compacted_bytes: 'bytes',
        compact_again_ms: '?2',
      })} WHERE id = ?3`,
      pass.endOffset,
      pass.againMs,
      partId,
    )
    this.#pass = null
  }

  /** @returns bytes saved */
  #rewriteBatch(pass: Pass, row: BatchRow, nowMs: number): number {
    const batch = new RecordBatch(pass.topic, pass.partition, row.base, row.data)
    const dueMs = row.appended_ms + tombstoneKeptMs
    const builder = this.#builder
    builder.undoTo(0)
    let base = 0
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offset(i)
      const key = batch.key(i)
      const newest = key === null ? undefined : pass.newest.get(key.toString('latin1'))
      if (newest !== undefined && newest > offset) continue
      if (batch.valueIsNull(i) && key !== null) {
        if (dueMs <= nowMs) continue
        pass.againMs = Math.min(pass.againMs ?? Infinity, dueMs)
      }
      if (builder.count === 0) base = offset
      builder.addAt(offset - base, key, batch.value(i), batch.time(i), batch.headers(i))
    }
    if (builder.count === batch.count) return 0
    if (builder.count === 0) {
      this.#store.run('DELETE FROM batches WHERE id = ?', row.id)
      return row.bytes
    }
    const bytes = builder.finish()
    const { maxTime } = new RecordBatch(pass.topic, pass.partition, base, bytes)
    this.#store.run(
      'UPDATE batches SET base_offset = ?, max_time = ?, bytes = ?, data = ? WHERE id = ?',
      base,
      maxTime,
      bytes.length,
      bytes,
      row.id,
    )
    return row.bytes - bytes.length
  }
}
