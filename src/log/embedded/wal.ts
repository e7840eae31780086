/**
 * The WAL after a process that died or gave up. [L5]
 *
 * After a failed fsync the system takes the pages for clean (PostgreSQL's "fsyncgate" of 2018;
 * Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020): reading gives
 * them, the disk may not have them, and the next fsync passes them over. As long as somebody has
 * the log open this does no harm: SQLite counts a commit only after its fsync, so that the next one
 * writes the same place of the WAL again. But whoever comes when nobody has it open counts every
 * whole commit that reading the WAL gives, that one too. What was then written behind it would be
 * on the disk, and after a power cut not be found; and a checkpoint would leave a main file that is
 * newer than the WAL that is replayed over it.
 *
 * So whoever comes first writes the WAL again, as it reads it, before anybody builds on it: then
 * its pages are to be written like any others.
 */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { MillraceError, messageOf } from '../../core/error.ts'
import type { Store } from './db.ts'
import { syncDirectory } from './directory.ts'

const chunkBytes = 1 << 20

/**
 * Writes the WAL again where there is one. Nothing of it changes, so that others may read it
 * meanwhile; nobody may write.
 * @param store a connection that has read; it is in no transaction
 * @throws `log-failed` · `log-busy` · `disk-full`
 */
export function rewriteWal(store: Store): void {
  store.exec('BEGIN IMMEDIATE')
  try {
    rewrite(`${store.path}-wal`)
  } finally {
    store.exec('ROLLBACK')
  }
}

function rewrite(path: string): void {
  try {
    // SQLite holds no locks on this file: those of a process go when it closes it.
    const file = openSync(path, 'r+')
    try {
      const chunk = Buffer.alloc(chunkBytes)
      let at = 0
      for (;;) {
        const count = readSync(file, chunk, 0, chunkBytes, at)
        if (count === 0) break
        for (let done = 0; done < count;)
          done += writeSync(file, chunk, done, count - done, at + done)
        at += count
      }
      if (at > 0) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    syncDirectory(dirname(path))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return
    throw new MillraceError('log-failed', `could not write ${path} again: ${messageOf(error)}`, {
      hint: 'check the disk, then try again; everything acknowledged is kept',
      cause: error,
    })
  }
}
