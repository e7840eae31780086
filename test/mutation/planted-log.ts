/** Bugs in the logs: memory, embedded, Kafka. */
import type { Planted } from './planted-bug.ts'

export const logBugs: readonly Planted[] = [
  {
    name: 'the memory log does not check the fence',
    file: 'src/log/memory/memory-session.ts',
    find: 'if (!this.#cursor.isFenced) return',
    replace: 'if (this.epoch > 0) return',
  },
  {
    name: 'the memory log keeps a changelog from the wrong blob on',
    file: 'src/log/memory/memory-session.ts',
    find: 'all.findLastIndex((blob) => blob.startsRound),',
    replace: 'all.findLastIndex((blob) => blob.startsRound) + 1,',
  },
  {
    name: 'the embedded log does not check the epoch',
    file: 'src/log/embedded/tasks.ts',
    find: 'WHERE id = ?2 AND epoch = ?3\n  RETURNING next_seq',
    replace: 'WHERE id = ?2 AND epoch >= ?3\n  RETURNING next_seq',
  },
  {
    name: 'the embedded log deletes a blob too much',
    file: 'src/log/embedded/tasks.ts',
    find: 'const keepSeq = roundEnds ? roundSeq : row.keep_seq',
    replace: 'const keepSeq = roundEnds ? roundSeq + 1 : row.keep_seq',
  },
  {
    name: 'what a failed fsync left in the WAL is built on',
    file: 'src/log/embedded/opening.ts',
    find: 'presence.isAlone()) rewriteWal(store)',
    replace: 'presence.isAlone() && busyMs < 0) rewriteWal(store)',
  },
  {
    name: 'a row of the data file is read whatever its checksum',
    file: 'src/log/embedded/row-sums.ts',
    find: 'if (sum === sumOf(values)) return',
    replace: 'if (sum !== null) return',
  },
  {
    name: 'a run that takes over does not fence tasks of others',
    file: 'src/log/embedded/tasks.ts',
    find: 'if (ask.fence)\n',
    replace: 'if (ask.fence && ask.generation < 0)\n',
  },
  {
    name: 'what retention took is skipped in silence',
    file: 'src/log/embedded/reader.ts',
    find: 'if (from > cursor.fetchOffset) this.#onSkip(input, from - cursor.fetchOffset)',
    replace: 'void input',
  },
  {
    name: 'the embedded log commits without waiting for the disk',
    file: 'src/log/embedded/db.ts',
    find: "this.exec('PRAGMA synchronous = FULL')",
    replace: "this.exec('PRAGMA synchronous = NORMAL')",
  },
  {
    name: 'a failed commit is taken for one that did not happen',
    file: 'src/log/embedded/db.ts',
    find: "if (during === 'commit' && known?.code",
    replace: "if (during === 'never' && known?.code",
  },
  {
    name: 'an append that is sent again is made twice',
    file: 'src/log/embedded/append.ts',
    find: 'const baseOffset = known ?? insert(context, place, batch)',
    replace: 'const baseOffset = insert(context, place, batch)',
  },
  {
    name: 'retention deletes what is still to be kept',
    file: 'src/log/embedded/retention.ts',
    find: 'const isOld = keptMs !== null && batch.appended_ms < nowMs - keptMs',
    replace: 'const isOld = keptMs !== null && batch.appended_ms <= nowMs - keptMs / 2',
  },
  {
    name: 'compaction takes deletions away before others have seen them',
    file: 'src/log/embedded/compaction.ts',
    find: 'if (dueMs <= nowMs) continue',
    replace: 'if (row.appended_ms <= nowMs) continue',
  },
  {
    name: 'trimming takes the whole batch that it cuts',
    file: 'src/log/embedded/trim.ts',
    find: 'SELECT next_offset AS next, bytes FROM batches WHERE part_id = ? AND next_offset <=',
    replace: 'SELECT next_offset AS next, bytes FROM batches WHERE part_id = ? AND base_offset <',
  },
  {
    name: 'the memory log shows again what was trimmed',
    file: 'src/log/memory/memory-partition.ts',
    find: 'const from = Math.max(offset, this.#trimmedTo)',
    replace: 'const from = offset',
  },
  {
    name: 'a damaged block is read as if it were sound',
    file: 'src/log/batch.ts',
    find: 'if (crc32(block.subarray(8)) !== block.readUInt32LE(4))',
    replace: 'if (crc32(block.subarray(8)) < 0)',
  },
]
