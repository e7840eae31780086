/**
 * What a sink of files has of one partition of its outbox: the position, the files that are open,
 * those that are to get their final names. Each version is a file of its own with the next number;
 * a version is committed when its name is there. As no two files can have a name, one of two owners
 * of the partition makes the next version, and the other one knows that it was fenced.
 */
import { createHash } from 'node:crypto'
import { link, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../core/error.ts'
import { remove, syncFolder, writeNew } from './disk.ts'

/** A file that is being written, under a name that is not final. */
export interface StagedFile {
  readonly staged: string
  /** Start of its window, ms since 1970. */
  readonly windowMs: number
  /** What of it counts; the rest was never committed. */
  readonly bytes: number
  readonly rows: number
  /** Of its first record. */
  readonly firstOffset: number
  /** When it was begun, by the machine's clock. */
  readonly begunMs: number
}

export interface Manifest {
  readonly epoch: number
  /** Grows by 1. */
  readonly version: number
  /** The next offset wanted; null: nothing was written. */
  readonly position: number | null
  /** Largest event time of the records; null: none yet. */
  readonly latestMs: number | null
  readonly open: readonly StagedFile[]
  /** Complete: they get, or have, their final names. */
  readonly done: readonly { readonly staged: string; readonly final: string }[]
}

export const noManifest: Manifest = {
  epoch: 0,
  version: 0,
  position: null,
  latestMs: null,
  open: [],
  done: [],
}

const suffix = '.manifest'

export class Manifests {
  readonly #folder: string
  readonly #key: string

  /** @param key of the partition, fit for a file's name */
  constructor(folder: string, key: string) {
    this.#folder = folder
    this.#key = key
  }

  /** The last version. @throws `sink-unavailable` where it is damaged */
  async last(): Promise<Manifest> {
    const [version] = (await this.#versions()).toSorted((a, b) => b - a)
    if (version === undefined) return noManifest
    const path = this.#path(version)
    const text = await readFile(path, 'utf8')
    const [sum, ...body] = text.split('\n')
    if (sum !== sumOf(body.join('\n'))) {
      throw new MillraceError('sink-unavailable', 'a manifest of a sink of files is damaged', {
        at: { file: path },
        hint: 'restore it; without it is not known which records are in the files',
      })
    }
    return JSON.parse(body.join('\n')) as Manifest
  }

  /**
   * Makes the next version.
   * @throws `task-fenced` where somebody else did; then nothing has happened
   */
  async commit(next: Manifest): Promise<void> {
    const path = this.#path(next.version)
    const staged = `${path}.${next.epoch}.tmp`
    const body = JSON.stringify(next)
    await writeNew(staged, `${sumOf(body)}\n${body}`)
    try {
      await link(staged, path)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw fenced(next)
      throw thrown
    } finally {
      await remove(staged)
    }
    // The name was free because it is long past: later versions are there, it counts for nothing.
    if ((await this.#versions()).some((version) => version > next.version)) {
      await remove(path)
      throw fenced(next)
    }
    await syncFolder(this.#folder)
  }

  /** Removes versions before one that is committed, and staged files that it does not name. */
  async clear({ version, open, done }: Manifest): Promise<void> {
    const kept = new Set([...open, ...done].map(({ staged }) => staged))
    for (const name of await readdir(this.#folder)) {
      if (!name.startsWith(`${this.#key}~`) || kept.has(name)) continue
      if (name.endsWith(suffix) && this.#versionOf(name) >= version) continue
      await remove(join(this.#folder, name))
    }
  }

  async removeStaged(name: string): Promise<void> {
    await remove(join(this.#folder, name))
  }

  async removeBefore(version: number): Promise<void> {
    await remove(this.#path(version - 1))
  }

  async #versions(): Promise<number[]> {
    return (await readdir(this.#folder))
      .filter((name) => name.startsWith(`${this.#key}~`) && name.endsWith(suffix))
      .map((name) => this.#versionOf(name))
  }

  #versionOf(name: string): number {
    return Number(name.slice(this.#key.length + 1, -suffix.length))
  }

  #path(version: number): string {
    return join(this.#folder, `${this.#key}~${String(version).padStart(12, '0')}${suffix}`)
  }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

export function fenced({ epoch }: { readonly epoch: number }): MillraceError {
  return new MillraceError('task-fenced', `a later owner than epoch ${epoch} writes these files`)
}
