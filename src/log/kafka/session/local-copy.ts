/**
 * A copy of a task's changelog on the local disk, so that a restart reads only the tail from Kafka.
 * It is a cache: it holds committed blobs only, checks all it reads, and is dropped where it does
 * not fit. So nothing is synced to disk, and a write that fails costs a longer restore, no more.
 *
 * The blobs lie in segments. Those that end before the place where a restore begins are deleted, so
 * that it takes as much room as the changelog itself, and a segment more.
 */
import { mkdir, open, readdir, rm, truncate } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, MillraceError } from '../../../core/error.ts'
import type { CopyEntry, CopyIdentity } from './copy-entry.ts'
import { entryHead, segmentHead } from './copy-entry.ts'
import { readSegment } from './copy-segment.ts'
import type { Segment } from './copy-segment.ts'

/** A segment that is larger is not written on. */
const segmentBytesMax = 4 << 20
/** What may wait to be written. */
const pendingBytesMax = 8 << 20
const suffix = '.copy'

export interface LocalCopyOptions {
  /** Nobody else uses it meanwhile; made where it is missing. */
  readonly directory: string
  readonly identity: CopyIdentity
  /** Where a restore begins: the base of a blob. null: nothing is kept yet. */
  readonly from: number | null
  /** The disk failed: the copy is of no use any more. Told once. */
  readonly onFailure: (error: unknown) => void
  /** For tests. Default 4 MiB. */
  readonly segmentBytes?: number
}

export class LocalCopy {
  readonly #options: LocalCopyOptions
  #segments: Segment[] = []
  #last: CopyEntry | null = null
  /** The newest segment, once it is written on. */
  #file: FileHandle | null = null
  /** Runs one thing after the other. */
  #work: Promise<void> = Promise.resolve()
  /** Where the blobs end that were given to `append`; null: there are none. */
  #end: number | null = null
  #pendingBytes = 0
  #isOver = false
  #hasFailed = false

  private constructor(options: LocalCopyOptions) {
    this.#options = options
  }

  /**
   * Checks what lies there. It then holds all from `from` to `end`, or nothing. Never rejects: what
   * cannot be read is taken for nothing.
   */
  static async open(options: LocalCopyOptions): Promise<LocalCopy> {
    const copy = new LocalCopy(options)
    try {
      await mkdir(options.directory, { recursive: true })
      if (!(await copy.#look(options.from))) await copy.drop()
    } catch (thrown) {
      await copy.#fail(thrown)
    }
    return copy
  }

  /** Offset after the last blob; null: it holds none. */
  get end(): number | null {
    return this.#end
  }

  /** The last blob, as it was when the copy was opened. */
  get last(): CopyEntry | null {
    return this.#last
  }

  /**
   * The blobs from `from` on.
   * @throws `log-failed` (reopen: the disk does not give again what it gave before; it is dropped)
   */
  async *read(from: number): AsyncGenerator<CopyEntry> {
    const { directory, identity } = this.#options
    try {
      for (const { path, end } of this.#segments) {
        if (end <= from) continue
        let position = from
        for await (const entry of readSegment(path, identity)) {
          position = entry.to
          if (entry.base >= from) yield entry
        }
        if (position === end) continue
        throw new MillraceError('log-failed', `it ends at ${position}, not at ${end} as before`)
      }
    } catch (cause) {
      await this.drop()
      const text = `the copy of state in ${directory} cannot be read again: ${messageOf(cause)}`
      throw new MillraceError('log-failed', text, { cause, hint: 'check the disk' })
    }
  }

  /** Takes a blob that is committed and follows the last one. Its bytes must not change again. */
  append(entry: CopyEntry): void {
    if (this.#isOver) return
    const after = this.#end ?? entry.base
    this.#end = entry.to
    this.#pendingBytes += entry.bytes.length
    this.#then(async () => {
      if (this.#hasFailed) return
      await this.#write(entry, after)
      this.#pendingBytes -= entry.bytes.length
    })
  }

  /** Given up where more waits than may: the disk is too slow, or hangs. */
  shed(): void {
    if (this.#pendingBytes <= pendingBytesMax || this.#isOver) return
    const text = `${this.#pendingBytes} bytes wait to be written: the disk is too slow`
    void this.#fail(new MillraceError('log-failed', text, { hint: 'give state a faster disk' }))
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    if (this.#pendingBytes > pendingBytesMax) await this.#work
  }

  /** Blobs below are not needed any more. */
  keepFrom(offset: number): void {
    this.#then(async () => {
      while (this.#segments.length > 1 && (this.#segments[0]?.end ?? offset) <= offset) {
        const first = this.#segments.shift()
        if (first !== undefined) await rm(first.path, { force: true })
      }
    })
  }

  /** Forgets all; it can be filled anew. */
  async drop(): Promise<void> {
    this.#end = null
    this.#last = null
    this.#then(() => this.#clear())
    await this.#work
  }

  /** What was appended is written, and nothing more. Idempotent. Never rejects. */
  async close(): Promise<void> {
    this.#then(async () => {
      await this.#file?.close()
      this.#file = null
    })
    this.#isOver = true
    await this.#work
  }

  #then(step: () => Promise<void>): void {
    if (this.#isOver) return
    this.#work = this.#work.then(step).catch((thrown: unknown) => this.#fail(thrown))
  }

  /** @returns whether it holds all from `from` to its end */
  async #look(from: number | null): Promise<boolean> {
    const { directory, identity } = this.#options
    let hasFrom = false
    const found: Segment[] = []
    for (const name of await namesIn(directory)) {
      const path = join(directory, name)
      const before = found.at(-1)
      let segment: Segment | null = null
      for await (const entry of readSegment(path, identity)) {
        const { after, base, to, fileEnd } = entry
        const expected: number = segment?.end ?? before?.end ?? after
        if (after !== expected) break
        segment ??= { path, after, end: to, bytes: 0 }
        segment.end = to
        segment.bytes = fileEnd
        hasFrom ||= base === from
        this.#last = entry
      }
      if (segment === null) break
      found.push(segment)
    }
    this.#segments = found
    this.#end = found.at(-1)?.end ?? null
    await this.#cut()
    return hasFrom
  }

  /** What lies behind the last whole entry is cut off. */
  async #cut(): Promise<void> {
    const { directory } = this.#options
    const known = new Set(this.#segments.map(({ path }) => path))
    for (const name of await namesIn(directory)) {
      const path = join(directory, name)
      if (!known.has(path)) await rm(path, { force: true })
    }
    const last = this.#segments.at(-1)
    if (last !== undefined) await truncate(last.path, last.bytes)
  }

  async #write(entry: CopyEntry, after: number): Promise<void> {
    const { directory, identity, segmentBytes = segmentBytesMax } = this.#options
    let segment = this.#segments.at(-1)
    const parts: Uint8Array[] = []
    if (segment === undefined || segment.bytes >= segmentBytes) {
      const path = join(directory, `${String(entry.base).padStart(16, '0')}${suffix}`)
      segment = { path, after, end: after, bytes: 0 }
      await this.#file?.close()
      this.#file = null
      await rm(path, { force: true })
      this.#segments.push(segment)
      parts.push(segmentHead(identity))
    }
    this.#file ??= await open(segment.path, 'a')
    parts.push(entryHead(entry, after), entry.bytes)
    await writeAll(this.#file, parts)
    segment.end = entry.to
    segment.bytes += parts.reduce((sum, { length }) => sum + length, 0)
  }

  async #clear(): Promise<void> {
    await this.#file?.close()
    this.#file = null
    this.#segments = []
    for (const name of await namesIn(this.#options.directory)) {
      await rm(join(this.#options.directory, name), { force: true })
    }
  }

  async #fail(thrown: unknown): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#hasFailed = true
    this.#end = null
    this.#last = null
    this.#pendingBytes = 0
    this.#options.onFailure(thrown)
    await this.#clear().catch(() => {}) // what is left of it is checked before it is used
  }
}

/** One call writes all, or as much as there is room for. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      const { bytesWritten } = await file.write(part, at, part.length - at)
      at += bytesWritten
    }
  }
}

/** The segments, in order of their first offsets. */
async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith(suffix)).toSorted()
}
