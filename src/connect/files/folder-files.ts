/**
 * The files of a folder that are to be read, in order, each when it is complete. What was done is
 * known by little: the names done last, and a mark before which everything is done.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { idOf } from './file-identity.ts'

/** A file as it was when it was complete. */
export interface FolderFile {
  readonly name: string
  /** By which files are ordered: the name, or the time of the last change and the name. */
  readonly order: string
  /** Which one it is: device, inode, size and time of the last change. */
  readonly stamp: string
}

export interface DoneFiles {
  /** Done last; where files are kept, `doneMax` of them at most. */
  readonly done: readonly FolderFile[]
  /** Everything up to here in the order is done. */
  readonly mark: string | null
}

export interface FolderFilesOptions {
  readonly folder: string
  readonly isWanted: (name: string) => boolean
  readonly order: 'name' | 'mtime'
  /** How long a file must not have changed to be complete. */
  readonly settleMs: number
  readonly clock: Clock
  /** Files that come too late to be read. */
  readonly onLate: (name: string) => void
}

/** Kept names: so many files may overtake each other. */
export const doneMax = 256
/** Taken from one listing: then it is made anew, as others may have come. */
const queueMax = 1_000
/** Looked at in vain, in one round. */
const incompleteMax = 200

interface Seen {
  readonly stamp: string
  /** Monotonic. */
  readonly sinceMs: number
}

export class FolderFiles {
  readonly #options: FolderFilesOptions
  #queue: string[] = []
  /** Files that are not complete yet. */
  #seen = new Map<string, Seen>()
  /** Names before the mark, at the first look and since. */
  #passed: Set<string> | null = null
  /** Done at the last listing, and given since: what is before the mark next time was read. */
  #read = new Set<string>()
  /** By time of change: what was found, as it costs a call each. */
  #orders = new Map<string, string>()

  constructor(options: FolderFilesOptions) {
    this.#options = options
  }

  /** The next one that is complete and not done; null: there is none now. */
  async next(done: DoneFiles): Promise<FolderFile | null> {
    if (this.#queue.length === 0) this.#queue = await this.#list(done)
    for (let tries = 0; this.#queue.length > 0 && tries < incompleteMax; tries++) {
      const name = this.#queue.shift() as string // it is not empty
      const file = await this.#complete(name)
      if (file === null) continue
      this.#read.add(name)
      return file
    }
    this.#queue = []
    return null
  }

  /** The file of that name as it is now; null: it is gone. */
  async look(name: string): Promise<FolderFile | null> {
    try {
      const stats = await stat(join(this.#options.folder, name), { bigint: true })
      if (!stats.isFile()) return null
      const stamp = `${idOf(stats)}:${stats.size}:${stats.mtimeNs}`
      const time = String(stats.mtimeNs).padStart(20, '0')
      return { name, order: this.#options.order === 'name' ? name : `${time} ${name}`, stamp }
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw thrown
    }
  }

  async #list({ done, mark }: DoneFiles): Promise<string[]> {
    const { folder, isWanted, order, onLate } = this.#options
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.') && isWanted(name))
    const doneNames = new Set(done.map(({ name }) => name))
    if (order === 'mtime') await this.#findOrders(names)
    const orderOf = (name: string): string => (order === 'name' ? name : this.#order(name))
    const left: string[] = []
    const passed = new Set<string>()
    for (const name of names) {
      if (doneNames.has(name)) continue
      if (mark === null || orderOf(name) > mark) left.push(name)
      else passed.add(name)
    }
    for (const name of this.#passed === null ? [] : passed)
      if (!this.#passed?.has(name) && !this.#read.has(name)) onLate(name)
    this.#read = doneNames
    this.#passed = passed
    const key = (name: string): string => orderOf(name)
    return left.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, queueMax)
  }

  async #findOrders(names: readonly string[]): Promise<void> {
    const known = this.#orders
    this.#orders = new Map()
    for (const name of names) {
      const order = known.get(name) ?? (await this.look(name))?.order
      if (order !== undefined) this.#orders.set(name, order)
    }
  }

  #order(name: string): string {
    return this.#orders.get(name) ?? name
  }

  async #complete(name: string): Promise<FolderFile | null> {
    const { clock, settleMs } = this.#options
    const file = await this.look(name)
    const before = this.#seen.get(name)
    const nowMs = clock.monotonic()
    this.#seen.delete(name)
    // Written and changed again: its place in the order is another one.
    if (file !== null && file.order !== this.#orders.get(name)) this.#orders.set(name, file.order)
    if (file === null) return null
    const changedMs = Number(BigInt(file.stamp.split(':').at(-1) ?? 0) / 1_000_000n)
    const sinceMs = before?.stamp === file.stamp ? before.sinceMs : nowMs
    const isOld = clock.now() - changedMs >= settleMs
    if (isOld || nowMs - sinceMs >= settleMs) return file
    if (this.#seen.size >= queueMax) this.#seen.clear()
    this.#seen.set(name, { stamp: file.stamp, sinceMs })
    return null
  }
}

/** What is done when one more file is. */
export function withDone(before: DoneFiles, file: FolderFile, isKept: boolean): DoneFiles {
  const done = [...before.done, file]
  if (!isKept) return { done, mark: null }
  if (done.length <= doneMax) return { done, mark: before.mark }
  const byOrder = done.toSorted((a, b) => (a.order < b.order ? -1 : 1))
  const [first, ...rest] = byOrder
  const passed = first?.order ?? ''
  const { mark } = before
  return { done: rest, mark: mark === null || passed > mark ? passed : mark }
}
