/** One open file and the place in it: reads rows on from there, as long as there are any. */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { PassThrough, pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { MillraceError } from '../../core/error.ts'
import type { SourceRecord } from '../source.ts'
import { fingerprintOf, headBytesMax, idOf, readHead } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import type { RowFormat } from './row-format.ts'
import { fileStart, RowRecords } from './row-records.ts'
import type { Place } from './row-records.ts'

export interface Taken {
  readonly records: SourceRecord[]
  /** Nothing more is there now. */
  readonly isAtEnd: boolean
}

const chunkBytes = 256 << 10
/** Of one batch, beside its last row. */
const batchBytesMax = 4 << 20

export class RowFile {
  readonly path: string
  readonly id: string
  readonly #handle: FileHandle
  readonly #format: RowFormat
  readonly #isPacked: boolean
  #unpacked: AsyncIterator<Buffer> | null = null
  #rows: RowRecords
  /** Rows up to here were given before. */
  #skipTo = 0
  #readOffset = 0

  private constructor(path: string, handle: FileHandle, id: string, format: RowFormat) {
    this.path = path
    this.id = id
    this.#handle = handle
    this.#format = format
    this.#isPacked = path.endsWith('.gz')
    this.#rows = this.#rowsFrom(fileStart)
  }

  /** @throws what the system throws */
  static async open(path: string, format: RowFormat): Promise<RowFile> {
    const handle = await open(path)
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile()) {
        throw new MillraceError('invalid-argument', 'it is no file', { at: { file: path } })
      }
      return new RowFile(path, handle, idOf(stats), format)
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
  }

  get handle(): FileHandle {
    return this.#handle
  }

  /** Behind the last row that was given. */
  get place(): Place {
    return this.#rows.place
  }

  /** How far it has been read: more than the place, where a row is not whole. */
  get readOffset(): number {
    return this.#readOffset
  }

  /** Goes to a place that was given before. A row of column names is read first. */
  async goTo(place: Place): Promise<void> {
    if (place.offset === 0) return
    this.#skipTo = place.offset
    if (this.#isPacked) return
    while (this.#rows.columns === null) {
      if (this.#rows.next(0, false) === null && !(await this.#fill())) break
    }
    this.#rows = this.#rowsFrom(place, this.#rows.columns)
    this.#readOffset = place.offset
  }

  /** Begins anew: the file was cut short. */
  restart(): void {
    this.#rows = this.#rowsFrom(fileStart)
    this.#readOffset = 0
    this.#skipTo = 0
  }

  /**
   * The next records.
   * @param isWhole nothing more will be written: a last row without line end is one, too
   * @throws `record-too-large` · `source-failed` · what the system throws
   */
  async take(readMs: number, isWhole: boolean): Promise<Taken> {
    const records: SourceRecord[] = []
    const { batch } = this.#format
    for (let bytes = 0; records.length < batch && bytes < batchBytesMax;) {
      let row = this.#rows.next(readMs, false)
      if (row === null) {
        if (await this.#fill()) continue
        row = isWhole ? this.#rows.next(readMs, true) : null
        if (row === null) return { records, isAtEnd: true }
      }
      bytes += row.bytes
      if (row.record !== null && this.place.offset > this.#skipTo) records.push(row.record)
    }
    return { records, isAtEnd: false }
  }

  /** What tells it from another one. @param length bytes of its beginning that will not change */
  async identity(length: number): Promise<FileIdentity> {
    const head = await readHead(this.#handle, Math.min(length, headBytesMax))
    return { id: this.id, headBytes: head.length, fingerprint: fingerprintOf(head) }
  }

  async close(): Promise<void> {
    await this.#unpacked?.return?.()
    await this.#handle.close()
  }

  /** @returns false at the end of the file */
  async #fill(): Promise<boolean> {
    const chunk = this.#isPacked ? await this.#unpack() : await this.#read()
    if (chunk === null) return false
    this.#rows.push(chunk)
    this.#readOffset += chunk.length
    return true
  }

  async #read(): Promise<Buffer | null> {
    // Not from the pool, not used again: the rows are views of it.
    const chunk = Buffer.allocUnsafeSlow(chunkBytes)
    const { bytesRead } = await this.#handle.read(chunk, 0, chunkBytes, this.#readOffset)
    return bytesRead === 0 ? null : chunk.subarray(0, bytesRead)
  }

  async #unpack(): Promise<Buffer | null> {
    this.#unpacked ??= this.#unpacking()
    const { done, value } = await this.#unpacked.next()
    return done === true ? null : value
  }

  #unpacking(): AsyncIterator<Buffer> {
    const packed = this.#handle.createReadStream({ start: 0, autoClose: false })
    const rows = new PassThrough({ highWaterMark: chunkBytes })
    // Its failure is that of the last stream, which is being read.
    pipeline(packed, createGunzip({ chunkSize: chunkBytes }), rows, () => {})
    return rows[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  #rowsFrom(place: Place, columns: readonly string[] | null = null): RowRecords {
    return new RowRecords(this.#format, { file: this.path, place, columns })
  }
}
