/** Files that a log was renamed to: `app.log.1`, `app.log-20240131`, found beside it. */
import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { beginsAs, idOf } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'

interface Found {
  readonly path: string
  readonly id: string
  readonly size: number
  readonly changedNs: bigint
}

/** Behind the name of the file: a number or a date, in what are not packed files. */
const suffix = /^[.-]\d[\d.T:_-]*$/
/** Looked at, at most. */
const filesMax = 10_000

/** The path of a file by what it is: under its own name, or one it was renamed to. null: gone. */
export async function findFile(
  path: string,
  identity: FileIdentity,
  offset: number,
): Promise<string | null> {
  const [named, rotated] = await Promise.all([look(path), rotatedFiles(path)])
  for (const found of named === null ? rotated : [named, ...rotated]) {
    if (found.id !== identity.id || found.size < offset) continue
    const handle = await open(found.path)
    try {
      if (await beginsAs(handle, identity)) return found.path
    } finally {
      await handle.close()
    }
  }
  return null
}

/**
 * The file that was written after one that has come to its end: another one that was renamed since,
 * else the one that has the name now. null: there is none yet.
 */
export async function fileAfter(
  path: string,
  last: { readonly id: string; readonly changedNs: bigint },
): Promise<string | null> {
  const between = (await rotatedFiles(path))
    .filter(({ id, changedNs }) => id !== last.id && changedNs > last.changedNs)
    .toSorted((a, b) => (a.changedNs < b.changedNs ? -1 : 1))
  const [first] = between
  if (first !== undefined) return first.path
  const named = await look(path)
  return named === null || named.id === last.id ? null : named.path
}

async function rotatedFiles(path: string): Promise<Found[]> {
  const folder = dirname(path)
  const name = basename(path)
  const names = (await readdir(folder))
    .filter((other) => other.startsWith(name) && suffix.test(other.slice(name.length)))
    .slice(0, filesMax)
  const found = await Promise.all(names.map((other) => look(join(folder, other))))
  return found.filter((one) => one !== null)
}

/** null: there is no such file. */
export async function look(path: string): Promise<Found | null> {
  try {
    const stats = await stat(path, { bigint: true })
    if (!stats.isFile()) return null
    return { path, id: idOf(stats), size: Number(stats.size), changedNs: stats.mtimeNs }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw thrown
  }
}
