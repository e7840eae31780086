/**
 * What the processes of a machine share of a simulated embedded log: its file, and while one of
 * them has it open the store that the file's changes make. A change is first in the file and
 * synced, and only then in the store, where it is seen. [L2, L5]
 *
 * A sync that failed leaves its frame in doubt: it may be on the disk. It is cut off, and the cut
 * is synced, before anything else is written; until that works all writing is refused. When power
 * is lost before, or the process dies, whoever opens the file finds the change whole or not at all.
 */
import { messageOf, MillraceError } from '../../../core/error.ts'
import type { MemoryStore } from '../../../log/memory/memory-store.ts'
import { powerLost, type DiskFile, type DiskModel } from './disk-model.ts'
import { frames, type Entry, type FrameFormat } from './frame.ts'
import { replayed } from './replay.ts'

export interface DiskStorageOptions {
  readonly disk: DiskModel
  /** Where the changes are kept. Default: a file of the disk. */
  readonly file?: DiskFile
  /** How they are written. Default: `frames`. */
  readonly format?: FrameFormat
}

/** The log as long as somebody has it open. */
export interface OpenStore {
  readonly store: MemoryStore
  /** How often the disk had lost its power when it was opened. */
  readonly losses: number
}

export class DiskStorage {
  readonly disk: DiskModel
  readonly #file: DiskFile
  readonly #format: FrameFormat
  #open: Promise<OpenStore> | null = null
  #store: MemoryStore | null = null
  #users = 0
  /** Where the next frame begins, and the checksum before it. */
  #end = 0
  #checksum = 0
  #isInDoubt = false

  constructor({ disk, file, format }: DiskStorageOptions) {
    this.disk = disk
    this.#file = file ?? disk.file('data')
    this.#format = format ?? frames
  }

  /** As it was read last, with all changes since; null before that. */
  get store(): MemoryStore | null {
    return this.#store
  }

  /** Whoever is first reads the file. @throws `log-failed` · `log-closed` · `log-damaged` */
  async enter(): Promise<OpenStore> {
    const before = this.#open
    const isOver = before !== null && (await before).losses !== this.disk.losses
    // Another may have come here meanwhile, and reads the file already.
    if (isOver && this.#open === before) {
      this.#open = null
      this.#users = 0
    }
    this.#open ??= this.#read()
    const opening = this.#open
    this.#users += 1
    try {
      return await opening
    } catch (thrown) {
      if (this.#open === opening) {
        this.#open = null
        this.#users = 0
      }
      throw thrown
    }
  }

  /** With the last one the store is gone, as the memory of a process is. */
  leave({ losses }: OpenStore): void {
    if (losses !== this.disk.losses) return
    this.#users -= 1
    if (this.#users === 0) this.#open = null
  }

  async #read(): Promise<OpenStore> {
    const { losses } = this.disk
    const bytes = this.#file.read()
    const { entries, lastAt, end, checksum } = this.#format.read(bytes)
    // The last frame may be in the cache only, after a sync that failed: nobody has acknowledged
    // it, and now it is going to be seen.
    if (end > lastAt) this.#file.write(lastAt, bytes.subarray(lastAt, end))
    this.#file.truncate(end)
    this.#file.sync()
    const store = await replayed(entries)
    if (losses !== this.disk.losses) throw powerLost()
    this.#end = end
    this.#checksum = checksum
    this.#isInDoubt = false
    this.#store = store
    return { store, losses }
  }

  /**
   * Writes a change, so that it is on the disk, and then does it.
   * @param apply does it at once; it may refuse it only for what is in the store, as it will be
   * refused again when the file is read
   * @throws `disk-full` · `log-failed` (not applied) · `commit-unknown`
   */
  write<R>(entry: Entry, apply: () => R): R {
    if (this.#isInDoubt) this.#cut()
    const { bytes, checksum } = this.#format.encode(entry, this.#checksum)
    this.#isInDoubt = true
    try {
      this.#file.write(this.#end, bytes)
      this.#file.sync()
    } catch (thrown) {
      // A frame that found no room lacks its end: it is none, whatever becomes of it.
      const isFull = thrown instanceof MillraceError && thrown.code === 'disk-full'
      if (!isFull) throw unknown(thrown)
      this.#tryCut()
      throw thrown
    }
    this.#isInDoubt = false
    this.#end += bytes.length
    this.#checksum = checksum
    return apply()
  }

  #cut(): void {
    this.#file.truncate(this.#end)
    this.#file.sync()
    this.#isInDoubt = false
  }

  #tryCut(): void {
    try {
      this.#cut()
    } catch {
      // It is tried again before the next write.
    }
  }
}

function unknown(thrown: unknown): MillraceError {
  const text = `a commit to the simulated disk failed; it may have happened (${messageOf(thrown)})`
  return new MillraceError('commit-unknown', text, {
    outcome: 'unknown',
    hint: 'reopen what was written to and read its offsets',
    cause: thrown,
  })
}
