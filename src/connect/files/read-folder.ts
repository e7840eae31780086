/** Reads the files of a folder, one after the other, and does with each what shall be done then. */
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceBatch } from '../source.ts'
import { beginsAs, headBytesMax } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import { FolderFiles, withDone } from './folder-files.ts'
import type { DoneFiles, FolderFile } from './folder-files.ts'
import { FolderWatch } from './folder-watch.ts'
import type { WholeReading } from './read-whole.ts'
import { RowFile } from './row-file.ts'
import { fileStart } from './row-records.ts'
import type { Place } from './row-records.ts'

/** What is done, and the place in the file that is being read. */
export interface FolderPosition extends DoneFiles {
  /** Files done in all. */
  readonly fileCount: number
  readonly current: (Place & { readonly file: FolderFile; readonly identity: FileIdentity }) | null
}

export type WhenDone = 'keep' | 'delete' | { readonly move: string }

export interface FolderReading extends Omit<WholeReading, 'path'> {
  readonly folder: string
  readonly isWanted: (name: string) => boolean
  readonly order: 'name' | 'mtime'
  readonly settleMs: number
  readonly pollMs: number
  readonly whenDone: WhenDone
}

const nothingDone: FolderPosition = { done: [], mark: null, fileCount: 0, current: null }

export async function* readFolder(
  from: FolderPosition | null,
  options: FolderReading,
): AsyncGenerator<SourceBatch<FolderPosition>, void> {
  const { folder, clock, signal, pollMs, whenDone } = options
  if (typeof whenDone === 'object') await mkdir(whenDone.move, { recursive: true })
  const watch = new FolderWatch(folder)
  const reader = new FolderReader(options, from ?? nothingDone)
  try {
    await reader.clear()
    while (!signal.aborted) {
      const file = await reader.next()
      if (file === null) {
        await watch.wait(clock, pollMs, signal)
        continue
      }
      yield* reader.rows(file)
      await reader.clear()
    }
  } finally {
    watch.close()
  }
}

class FolderReader {
  readonly #options: FolderReading
  readonly #files: FolderFiles
  #position: FolderPosition

  constructor(options: FolderReading, position: FolderPosition) {
    const { notice, ...rest } = options
    this.#options = options
    this.#position = position
    const onLate = (name: string): void => notice(`${name} came too late to be read: ${lateHint}`)
    this.#files = new FolderFiles({ ...rest, onLate })
  }

  /** The file of the position, else the next one. */
  async next(): Promise<FolderFile | null> {
    return this.#position.current?.file ?? (await this.#files.next(this.#position))
  }

  async *rows(file: FolderFile): AsyncGenerator<SourceBatch<FolderPosition>, void> {
    const { folder, clock, signal } = this.#options
    const { current, ...before } = this.#position
    const rows = await this.#open(join(folder, file.name))
    if (rows === null) return this.#skip(file)
    try {
      if (current !== null && !(await beginsAs(rows.handle, current.identity))) {
        return this.#skip(file)
      }
      await rows.goTo(current ?? fileStart)
      const identity = await rows.identity(headBytesMax)
      while (!signal.aborted) {
        const { records, isAtEnd } = await rows.take(clock.now(), true)
        this.#position = isAtEnd
          ? this.#behind(file, before)
          : { ...before, current: { file, identity, ...rows.place } }
        // Also without records: the file is done when that is committed.
        if (records.length > 0 || isAtEnd) yield { records, position: this.#position }
        if (isAtEnd) return
      }
    } finally {
      await rows.close()
    }
  }

  /** Moves or deletes what is done; that is committed. */
  async clear(): Promise<void> {
    const { whenDone, folder } = this.#options
    if (whenDone === 'keep') return
    for (const file of this.#position.done) {
      // Another file may have its name by now.
      if ((await this.#files.look(file.name))?.stamp !== file.stamp) continue
      const path = join(folder, file.name)
      if (whenDone === 'delete') await rm(path)
      else await rename(path, await freePath(whenDone.move, file.name))
    }
    this.#position = { ...this.#position, done: [] }
  }

  #behind(file: FolderFile, before: Omit<FolderPosition, 'current'>): FolderPosition {
    const isKept = this.#options.whenDone === 'keep'
    return {
      ...withDone(before, file, isKept),
      fileCount: before.fileCount + 1,
      current: null,
    }
  }

  async #open(path: string): Promise<RowFile | null> {
    try {
      return await RowFile.open(path, this.#options.format)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw thrown
    }
  }

  /** The file is not there any more as it was. */
  #skip({ name }: FolderFile): void {
    const { current } = this.#position
    if (current === null) return // gone before anything of it was read
    this.#options.notice(
      `${name} was taken away or changed while it was read: ${current.line} lines of it were given`,
    )
    this.#position = { ...this.#position, current: null }
  }
}

const lateHint =
  'it comes before files that were done long ago; give files names that rise, or have those that ' +
  "are done moved or deleted (option 'whenDone')"

/** A path that no file has: with a number where the name is taken. */
async function freePath(folder: string, name: string): Promise<string> {
  for (let number = 0; ; number++) {
    const path = join(folder, number === 0 ? name : `${name}.${number}`)
    const isTaken = await access(path).then(
      () => true,
      () => false,
    )
    if (!isTaken) return path
  }
}
