/** The data directory: making it, with an error that says what is wrong. */
import { mkdirSync } from 'node:fs'
import { MillraceError, messageOf } from '../../core/error.ts'

/**
 * Makes the directory and what is above it. @throws `log-read-only` · `invalid-argument` ·
 * `log-failed`
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
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
