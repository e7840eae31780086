/**
 * The file format of the embedded log: one SQLite database, `<dir>/millrace.db`, in WAL mode.
 *
 *   millrace.db, -wal, -shm   everything durable (SQLite's own files)
 *   wake     one byte, rewritten after each commit so that other processes notice it; holds nothing
 *   locks/   empty SQLite files that hold nothing: one for each run of a pipeline, locked while it
 *            lives; one that all lock who have the log open; one for opening it
 *
 * Tables:
 *   meta        `catalog` grows with every change to topics: writers then read them anew
 *   topics, partitions   ids are never used twice, names may be. A partition keeps start (offset of
 *               its oldest record), next (offset of the next one) and bytes; for compaction how far
 *               it is compacted, its size then, and when tombstones fall due
 *   batches     blocks of batch.ts, [base_offset, next_offset); found through `batches_place`
 *   offsets     next offset to read of each group and task (task '': set by `commitGroup`)
 *   pipelines   `generation` grows with every run; `owner` is text for people
 *   tasks       `epoch` fences. Changelog blobs are numbered by `next_seq`; a round of the rolling
 *               snapshot began at `round_seq` (null: none has); restoring starts at `keep_seq`;
 *               blobs below `trim_seq` are deleted
 *   changelog   state of the tasks, opaque
 *   producers   the last append of each idempotent producer to each partition
 *   dropped     deleted partitions whose batches are still to be deleted, a slice at a time
 * All but batches and changelog, whose contents have checksums of their own, have a column `sum`
 * (row-sums.ts).
 */
import { dirname } from 'node:path'
import { MillraceError } from '../../core/error.ts'
import { Store, storeError } from './db.ts'
import { syncDirectory } from './directory.ts'
import { addRowSums, sumOf } from './row-sums.ts'

export const fileName = 'millrace.db'
/** 'MLRC': marks the SQLite file as ours. */
export const applicationId = 0x4d_4c_52_43
/**
 * 1: the first. 2: rows of the small tables have a checksum (2026-11-24); a file of version 1 is
 * given them when it is opened, one that is opened read only is read without.
 */
export const formatVersion = 2
/**
 * Appends of 100 KB blocks: 0.73 M records/s at 4 KiB, 1.13 at 8, 1.18 at 16; small commits at the
 * median: 0.38, 0.33, 0.41 ms (2026-11-23, one run each on a shared machine).
 */
export const pageBytes = 16384

const tables = `
CREATE TABLE meta (
  key TEXT PRIMARY KEY, value INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('catalog', 1, ${sumOf(['catalog', 1])});
CREATE TABLE topics (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL,
  retention_ms REAL, retention_bytes REAL, cleanup TEXT NOT NULL,
  record_bytes_max INTEGER NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE partitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
  start_offset INTEGER NOT NULL DEFAULT 0, next_offset INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  compacted_offset INTEGER NOT NULL DEFAULT 0, compacted_bytes INTEGER NOT NULL DEFAULT 0,
  compact_again_ms REAL, sum INTEGER NOT NULL,
  UNIQUE (topic_id, partition)) STRICT;
CREATE TABLE batches (
  id INTEGER PRIMARY KEY, part_id INTEGER NOT NULL, base_offset INTEGER NOT NULL,
  next_offset INTEGER NOT NULL, appended_ms INTEGER NOT NULL, max_time REAL NOT NULL,
  bytes INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX batches_place ON batches (part_id, next_offset, max_time);
CREATE TABLE offsets (
  grp TEXT NOT NULL, task TEXT NOT NULL, part_id INTEGER NOT NULL, next INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (grp, task, part_id)) STRICT, WITHOUT ROWID;
CREATE TABLE pipelines (
  name TEXT PRIMARY KEY, generation INTEGER NOT NULL, owner TEXT,
  sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, task TEXT NOT NULL,
  epoch INTEGER NOT NULL, next_seq INTEGER NOT NULL DEFAULT 0, round_seq INTEGER,
  keep_seq INTEGER NOT NULL DEFAULT 0, trim_seq INTEGER NOT NULL DEFAULT 0,
  sum INTEGER NOT NULL,
  UNIQUE (pipeline, task)) STRICT;
CREATE TABLE changelog (
  id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL, seq INTEGER NOT NULL,
  data BLOB NOT NULL) STRICT;
CREATE INDEX changelog_place ON changelog (task_id, seq);
CREATE TABLE producers (
  producer TEXT NOT NULL, part_id INTEGER NOT NULL, sequence INTEGER NOT NULL,
  base_offset INTEGER NOT NULL, count INTEGER NOT NULL, written_ms INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (producer, part_id)) STRICT, WITHOUT ROWID;
CREATE TABLE dropped (part_id INTEGER PRIMARY KEY, sum INTEGER NOT NULL) STRICT;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${formatVersion};
`

/**
 * Looks whether the file is ours and of a version we know.
 * @returns 'empty' for a file without content, 'old' for one that `upgradeFormat` makes ours
 * @throws `log-version` · `log-damaged`
 */
export function checkFormat(store: Store): 'known' | 'old' | 'empty' {
  const version = store.pragma('user_version')
  const application = store.pragma('application_id')
  if (version === 0 && application === 0) {
    if (store.get('SELECT 1 FROM sqlite_master LIMIT 1') === undefined) return 'empty'
  }
  if (application !== applicationId) {
    throw new MillraceError(
      'log-damaged',
      `${store.path} is a SQLite file but not a Millrace log`,
      {
        hint: 'choose another data directory: --data DIR',
      },
    )
  }
  if (Number(version) > formatVersion) {
    throw new MillraceError(
      'log-version',
      `${store.path} has format version ${String(version)}, this Millrace knows ${formatVersion}`,
      { hint: 'use the newer Millrace that wrote it, or another data directory: --data DIR' },
    )
  }
  return Number(version) < formatVersion ? 'old' : 'known'
}

/**
 * Makes the tables of a new file. Whoever calls it is alone with the file: two processes that
 * switch it to WAL at once are answered "busy" by SQLite without waiting.
 */
export function createFormat(store: Store, dir: string): void {
  try {
    syncDirectory(dirname(dir)) // somebody may have made `dir` a moment ago
    store.exec(`PRAGMA page_size = ${pageBytes}`)
    store.pragma('journal_mode = WAL')
    store.exec('BEGIN IMMEDIATE')
    store.exec(tables)
    store.exec('COMMIT')
  } catch (error) {
    throw storeError(error, store.path, 'create')
  }
}

/**
 * Makes a file of an earlier version one of this, in one transaction. Nobody may have it open: an
 * earlier Millrace would go on as if nothing were. The caller sees to it that what the WAL holds is
 * on the disk.
 * @throws `log-busy` where another process has it open
 */
export function upgradeFormat(path: string, busyMs: number): void {
  const store = new Store(path, { mode: 'query', busyMs })
  try {
    store.pragma('locking_mode = EXCLUSIVE')
    store.exec('PRAGMA synchronous = FULL')
    store.exec('PRAGMA fullfsync = 1')
    store.exec('BEGIN IMMEDIATE')
    if (checkFormat(store) === 'old') {
      addRowSums(store)
      store.exec(`PRAGMA user_version = ${formatVersion}`)
    }
    store.exec('COMMIT')
  } catch (error) {
    throw storeError(error, path, 'upgrade')
  } finally {
    store.close()
  }
}
