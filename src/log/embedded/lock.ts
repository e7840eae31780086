/**
 * A lock between processes that the operating system drops with the process, also under `kill -9`:
 * an exclusive transaction on an empty SQLite file. (A file with a pid in it would outlive its
 * process and could name another one's pid.)
 */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sqliteCode, Store, storeError } from './db.ts'
import { makeDirectory } from './directory.ts'

const busy = 5
const cannotOpen = 14

export interface HeldLock {
  /** Idempotent. 'delete' removes the file as well: only for a name that is never used again. */
  release(file?: 'keep' | 'delete'): void
}

/**
 * @param waitMs how long to wait for another holder; the thread stands still meanwhile
 * @returns null where another connection, here or in another process, holds it
 * @throws `log-read-only` · `log-failed`
 */
export function holdLock(path: string, waitMs: number): HeldLock | null {
  makeDirectory(dirname(path))
  const store = new Store(path, { mode: 'query', busyMs: waitMs })
  try {
    store.pragma('journal_mode = MEMORY') // no journal file beside the lock
    store.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    store.close()
    if ((sqliteCode(error) & 0xff) === busy) return null
    throw storeError(error, path, 'lock')
  }
  return {
    release: (file = 'keep') => {
      store.close()
      if (file === 'delete') rmSync(path, { force: true })
    },
  }
}

/** True while somebody holds the lock. Takes none itself for longer than the question lasts. */
export function isLocked(path: string): boolean {
  let store: Store | undefined
  try {
    store = new Store(path, { mode: 'read-only', busyMs: 0 })
    store.exec('SELECT 1 FROM sqlite_master')
    return false
  } catch (error) {
    const code = sqliteCode(
      error instanceof Error && error.cause !== undefined ? error.cause : error,
    )
    if ((code & 0xff) === busy) return true
    if ((code & 0xff) === cannotOpen) return false // no such file: never held, or deleted since
    throw storeError(error, path, 'look at the lock')
  } finally {
    store?.close()
  }
}

/**
 * Where the lock of one run of a pipeline is. A file for each generation: whoever takes over does
 * not wait for the earlier owner's lock. The hash keeps names apart that differ only in case or in
 * signs that a file name cannot have.
 */
export function runLockPath(dir: string, pipeline: string, generation: number): string {
  const text = pipeline
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '_')
    .slice(0, 60)
  const hash = createHash('sha256').update(pipeline).digest('hex').slice(0, 12)
  return join(dir, 'locks', `${text}-${hash}-${generation}.lock`)
}
