/** The files of a partition that are being written: one for each window, each with its handle. */
import { copyFile, constants, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { remove, writeAt } from './disk.ts'
import type { FileFormat } from './file-format.ts'
import type { StagedFile } from './manifest.ts'

/** Of files whose rows are not final yet. */
export const rowsSuffix = '.rows'

interface OpenFile {
  file: StagedFile
  handle: FileHandle
  /** Bytes that are written and may not be on disk. */
  isDirty: boolean
}

export interface Rows {
  readonly windowMs: number
  readonly firstOffset: number
  text: string
  count: number
}

export class StagedFiles {
  readonly #folder: string
  readonly #format: FileFormat
  readonly #byWindow = new Map<number, OpenFile>()

  constructor(folder: string, format: FileFormat) {
    this.#folder = folder
    this.#format = format
  }

  /**
   * Takes over what an earlier owner wrote: copies, as that one may still write to its own, though
   * never again for anything.
   */
  async takeOver(files: readonly StagedFile[], prefix: string): Promise<void> {
    for (const file of files) {
      const staged = `${prefix}~${file.windowMs}~${file.firstOffset}${rowsSuffix}`
      const path = join(this.#folder, staged)
      await remove(path)
      await copyFile(join(this.#folder, file.staged), path, constants.COPYFILE_FICLONE)
      const handle = await open(path, 'r+')
      this.#byWindow.set(file.windowMs, { file: { ...file, staged }, handle, isDirty: true })
      await handle.truncate(file.bytes)
    }
  }

  get files(): StagedFile[] {
    return [...this.#byWindow.values()].map(({ file }) => file)
  }

  /** @returns whether a new file was begun */
  async append(
    rows: Rows,
    begun: { readonly prefix: string; readonly ms: number },
  ): Promise<boolean> {
    const known = this.#byWindow.get(rows.windowMs)
    const opened = known ?? (await this.#begin(rows, begun))
    const text = known === undefined ? this.#format.head + rows.text : rows.text
    const bytes = Buffer.from(text, 'utf8')
    await writeAt(opened.handle, bytes, opened.file.bytes)
    opened.isDirty = true
    opened.file = {
      ...opened.file,
      bytes: opened.file.bytes + bytes.length,
      rows: opened.file.rows + rows.count,
    }
    return known === undefined
  }

  /** What was written is on disk. */
  async sync(): Promise<void> {
    for (const opened of this.#byWindow.values()) {
      if (opened.isDirty) await opened.handle.datasync()
      opened.isDirty = false
    }
  }

  /** A file is complete: nothing more is written to it. */
  async finish(file: StagedFile): Promise<void> {
    const opened = this.#byWindow.get(file.windowMs)
    this.#byWindow.delete(file.windowMs)
    await opened?.handle.close()
  }

  async close(): Promise<void> {
    const all = [...this.#byWindow.values()]
    this.#byWindow.clear()
    await Promise.all(all.map(({ handle }) => handle.close()))
  }

  async #begin(rows: Rows, { prefix, ms }: { prefix: string; ms: number }): Promise<OpenFile> {
    const { windowMs, firstOffset } = rows
    const staged = `${prefix}~${windowMs}~${firstOffset}${rowsSuffix}`
    const handle = await open(join(this.#folder, staged), 'w')
    const file = { staged, windowMs, firstOffset, bytes: 0, rows: 0, begunMs: ms }
    const opened = { file, handle, isDirty: true }
    this.#byWindow.set(windowMs, opened)
    return opened
  }
}
