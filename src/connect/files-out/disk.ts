/** Writing to a folder so that it is there after a loss of power. */
import { link, open, rm, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { messageOf, MillraceError } from '../../core/error.ts'

/** Names that were made, changed or removed in a folder are there. */
export async function syncFolder(folder: string): Promise<void> {
  // Elsewhere a folder cannot be opened; names are as safe as the system makes them.
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A new file with these bytes, on disk; its name is not, yet. */
export async function writeNew(path: string, bytes: Uint8Array | string): Promise<void> {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes all of it there. */
export async function writeAt(handle: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done)
    done += bytesWritten
  }
}

/**
 * Gives a file another name, that no other file has. Idempotent: where an earlier call got half-way
 * or through, this one does the rest.
 * @returns false where another file has the name
 */
export async function moveNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    // Moved before; somebody may have taken it away since.
    if (code === 'ENOENT' && !(await exists(from))) return true
    if (code !== 'EEXIST') throw thrown
    const [mine, other] = await Promise.all([stat(from), stat(to)])
    if (mine.ino !== other.ino || mine.dev !== other.dev) return false
  }
  await unlink(from)
  return true
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw thrown
  }
}

export async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** Nothing can be written now, whatever the record: the disk is full, the folder is gone. */
const awayCodes: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on the disk',
  EDQUOT: 'raise the quota, or remove files',
  EROFS: 'mount the disk for writing',
  EACCES: 'let this user write there',
  EPERM: 'let this user write there',
  ENOENT: 'put the folder back',
  EIO: 'see to the disk',
  EMFILE: 'raise the number of open files',
  ENFILE: 'raise the number of open files',
}

/** What a failed write is to delivery. */
export function asAway(thrown: unknown, folder: string): unknown {
  if (thrown instanceof MillraceError) return thrown
  const hint = awayCodes[(thrown as NodeJS.ErrnoException | null)?.code ?? '']
  if (hint === undefined) return thrown
  const text = `files cannot be written: ${messageOf(thrown)}`
  return new MillraceError('sink-unavailable', text, { at: { file: folder }, hint, cause: thrown })
}
