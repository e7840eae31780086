/** Files that a log was renamed to: `app.log.1`, `app.log-20240131`, found beside it. */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { beginsAs, idOf } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import type { RowFormat } from './row-format.ts'
import { RowFile } from './row-file.ts'

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

/** Looks that must be alike, at most: names may be moved on while one looks. */
const looksMax = 20

/**
 * A file by what it is, open: under its own name, or one it was renamed to. null: it is gone, or
 * has become too short.
 */
export async function findFile(
  path: string,
  { identity, offset }: { readonly identity: FileIdentity; readonly offset: number },
  format: RowFormat,
): Promise<RowFile | null> {
  for (let tries = 0; tries < looksMax; tries++) {
    const { named, rotated } = await allFiles(path)
    const all = named === null ? rotated : [named, ...rotated]
    const found = all.find(({ id, size }) => id === identity.id && size >= offset)
    if (found === undefined) return null
    const file = await openSame(found, format)
    if (file === null) continue
    if (await beginsAs(file.handle, identity)) return file
    await file.close()
    return null
  }
  return null
}

/**
 * The file that was written after one that has come to its end, open: another one that was renamed
 * since, else the one that has the name now. null: there is none yet.
 */
export async function openNext(
  path: string,
  last: { readonly id: string; readonly changedNs: bigint } | null,
  format: RowFormat,
): Promise<RowFile | null> {
  const { named, rotated } = await allFiles(path)
  if (last === null) return named === null ? null : await openSame(named, format)
  const [between] = rotated
    .filter(({ id, changedNs }) => id !== last.id && changedNs > last.changedNs)
    .toSorted((a, b) => (a.changedNs < b.changedNs ? -1 : 1))
  const next = between ?? (named === null || named.id === last.id ? null : named)
  return next === null ? null : await openSame(next, format)
}

/** null: its name is another file's by now, or nobody's. */
async function openSame(found: Found, format: RowFormat): Promise<RowFile | null> {
  try {
    const file = await RowFile.open(found.path, format)
    if (file.id === found.id) return file
    await file.close()
    return null
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException | null)?.code === 'ENOENT') return null
    throw thrown
  }
}

interface Files {
  readonly named: Found | null
  readonly rotated: readonly Found[]
}

/**
 * All of them at one moment: while names are moved on from one to the next, a look at each finds
 * some file twice and another one not at all. So until two looks are alike.
 */
async function allFiles(path: string): Promise<Files> {
  let before = ''
  for (let looks = 1; ; looks++) {
    const rotated = await rotatedFiles(path)
    const named = await look(path)
    const seen = [...rotated, named].map((one) => `${one?.path} ${one?.id}`).join('\n')
    if (seen === before || looks === looksMax) return { named, rotated }
    before = seen
  }
}

async function rotatedFiles(path: string): Promise<Found[]> {
  const folder = dirname(path)
  const name = basename(path)
  const names = (await readdir(folder))
    .filter((other) => other.startsWith(name) && suffix.test(other.slice(name.length)))
    .toSorted()
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
