/**
 * A file that grows, for ever, under one name: what is behind whole lines is given. Where the name
 * goes over to another file, the rest of the old one is given first; where the file is cut short,
 * it is read from its start again.
 */
import { dirname } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { SourceBatch } from '../source.ts'
import { beginsAs, headBytesMax, idOf } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import { FolderWatch } from './folder-watch.ts'
import type { FilePosition, WholeReading } from './read-whole.ts'
import { findFile, look, openNext } from './rotation.ts'
import type { RowFile } from './row-file.ts'

export interface FollowOptions extends WholeReading {
  /** Between two looks, where the system does not tell of changes. */
  readonly pollMs: number
  /** How long a file that was renamed must not have grown, to be at its end. */
  readonly settleMs: number
}

export async function* follow(
  from: FilePosition | null,
  options: FollowOptions,
): AsyncGenerator<SourceBatch<FilePosition>, void> {
  const follower = new Follower(options)
  try {
    yield* follower.batches(from)
  } finally {
    await follower.close()
  }
}

class Follower {
  readonly #options: FollowOptions
  readonly #watch: FolderWatch
  #file: RowFile | null = null
  /** Of the open file, as far as it is read; grows with it, up to a limit. */
  #identity: FileIdentity | null = null
  /** The file before, which was read to its end. */
  #last: { readonly id: string; readonly changedNs: bigint } | null = null

  constructor(options: FollowOptions) {
    this.#options = options
    this.#watch = new FolderWatch(dirname(options.path))
  }

  async *batches(from: FilePosition | null): AsyncGenerator<SourceBatch<FilePosition>, void> {
    const { clock, signal } = this.#options
    await this.#resume(from)
    while (!signal.aborted) {
      if (this.#file === null) await this.#openNext()
      if (this.#file === null) {
        await this.#wait()
        continue
      }
      yield* this.#rows(this.#file, false)
      if (signal.aborted) return
      const state = await this.#stateOf(this.#file)
      if (state === 'cut') this.#restart(this.#file)
      else if (state === 'same') await this.#wait()
      else if (state === 'renamed' && (await this.#isQuiet(this.#file, clock))) {
        // A last line without line end will not be finished any more.
        yield* this.#rows(this.#file, true)
        await this.#leave(this.#file)
      }
    }
  }

  async close(): Promise<void> {
    this.#watch.close()
    await this.#file?.close()
  }

  async *#rows(file: RowFile, isWhole: boolean): AsyncGenerator<SourceBatch<FilePosition>, void> {
    const { clock, signal } = this.#options
    while (!signal.aborted) {
      const { records, isAtEnd } = await file.take(clock.now(), isWhole)
      const { place } = file
      if (records.length > 0) {
        if (this.#identity === null || this.#identity.headBytes < headBytesMax)
          this.#identity = await file.identity(place.offset)
        yield { records, position: { file: this.#identity, ...place } }
      }
      if (isAtEnd) return
    }
  }

  /** Finds the file of a position, whatever its name is now. */
  async #resume(from: FilePosition | null): Promise<void> {
    if (from === null) return
    const { path, notice, format } = this.#options
    const found = await findFile(path, { identity: from.file, offset: from.offset }, format)
    if (found === null) {
      notice(
        `the file that was read is gone or was cut short: ${path} is read from its start; ` +
          'lines that it had and that were not read are not given',
      )
      return
    }
    this.#file = found
    this.#identity = from.file
    await this.#file.goTo(from)
  }

  async #openNext(): Promise<void> {
    const { path, format } = this.#options
    this.#file = await openNext(path, this.#last, format)
    this.#identity = null
  }

  /** What has become of the file that is at its end. */
  async #stateOf(file: RowFile): Promise<'same' | 'cut' | 'renamed'> {
    const { size } = await file.handle.stat()
    if (size < file.readOffset) return 'cut'
    // Cut short and written anew, farther than it was read.
    if (this.#identity !== null && !(await beginsAs(file.handle, this.#identity))) return 'cut'
    const named = await look(this.#options.path)
    return named === null || named.id === file.id ? 'same' : 'renamed'
  }

  #restart(file: RowFile): void {
    const { notice, path } = this.#options
    notice(
      `${path} was cut short at byte ${file.place.offset} or before: it is read from its start`,
    )
    file.restart()
    this.#identity = null
  }

  /** Whether a file that was renamed has not grown for a while: its writer may go on for a bit. */
  async #isQuiet(file: RowFile, clock: Clock): Promise<boolean> {
    const { settleMs, signal } = this.#options
    const endMs = clock.monotonic() + settleMs
    for (let leftMs = settleMs; leftMs > 0; leftMs = endMs - clock.monotonic()) {
      await this.#watch.wait(clock, leftMs, signal)
      if (signal.aborted) return false
      if ((await file.handle.stat()).size > file.readOffset) return false
    }
    return (await file.handle.stat()).size === file.readOffset
  }

  async #leave(file: RowFile): Promise<void> {
    const stats = await file.handle.stat({ bigint: true })
    this.#last = { id: idOf(stats), changedNs: stats.mtimeNs }
    await file.close()
    this.#file = null
    this.#identity = null
  }

  #wait(): Promise<void> {
    const { clock, pollMs, signal } = this.#options
    return this.#watch.wait(clock, pollMs, signal)
  }
}
