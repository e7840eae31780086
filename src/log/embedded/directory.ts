/** The data directory: making it so that it lasts, with an error that says what is wrong. */
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { MillraceError, messageOf } from '../../core/error.ts'

/**
 * Makes the directory and what is above it, each with its name on disk. @throws `log-read-only` ·
 * `invalid-argument` · `disk-full` · `log-failed`
 */
export function makeDirectory(path: string): void {
  try {
    makeEach(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new MillraceError('invalid-argument', `${path} is not a directory`, {
        hint: 'choose another data directory: --data DIR',
        cause: error,
      })
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new MillraceError('log-read-only', `the directory ${path} cannot be made`, {
        hint: 'allow writing there, or choose another data directory: --data DIR',
        cause: error,
      })
    }
    const full = code === 'ENOSPC' || code === 'EDQUOT'
    throw new MillraceError(
      full ? 'disk-full' : 'log-failed',
      `cannot make ${path}: ${messageOf(error)}`,
      {
        hint: 'check the disk, or choose another data directory: --data DIR',
        cause: error,
      },
    )
  }
}

/**
 * Makes what is missing, from the top down. Not by `recursive: true`: where a directory is there
 * but answers ENOENT to whatever is made in it (as /proc does), that goes round for ever (Node
 * 24.21).
 */
function makeEach(path: string): void {
  const missing: string[] = []
  for (let at = path; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) {
    missing.unshift(at)
  }
  if (missing.length === 0 && !statSync(path).isDirectory()) {
    throw Object.assign(new Error(`${path} is a file`), { code: 'EEXIST' })
  }
  for (const each of missing) {
    try {
      mkdirSync(each)
    } catch (error) {
      // Another process was faster.
      if (!isErrno(error, 'EEXIST')) throw error
    }
    syncDirectory(dirname(each))
  }
}

/**
 * Puts the names that a directory holds on disk. A file's own fsync, as SQLite does it, saves its
 * bytes and its name, but not the names of the directories that lead there: after a power cut they
 * may be gone, and all of the log with them.
 */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return // a directory cannot be opened there
  let directory: number
  try {
    directory = openSync(path, 'r')
  } catch (error) {
    // One may be allowed to make names in a directory and not to read them.
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) return
    throw error
  }
  try {
    fsyncSync(directory)
  } catch (error) {
    // A file system that cannot do it (some on a network) says so in one of these ways.
    if (!isErrno(error, 'EINVAL') && !isErrno(error, 'ENOTSUP')) throw error
  } finally {
    closeSync(directory)
  }
}

function isErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}
