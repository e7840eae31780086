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
import { columnsFault } from './row-format.ts'
import { csvFields } from './csv-row.ts'
import { RowSplitter } from './row-splitter.ts'
import type { Row } from './row-splitter.ts'

/** A place in a file. */
export interface Place {
  /** Behind a whole row, bytes; of a packed file, unpacked ones. */
  readonly offset: number
  /** Lines before it. */
  readonly line: number
}

export interface Taken {
  readonly records: SourceRecord[]
  /** Nothing more is there now. */
  readonly isAtEnd: boolean
}

export const fileStart: Place = { offset: 0, line: 0 }

const chunkBytes = 256 << 10
/** Of one batch, beside its last row. */
const batchBytesMax = 4 << 20
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

export class RowFile {
  readonly path: string
  readonly id: string
  readonly #handle: FileHandle
  readonly #format: RowFormat
  readonly #isPacked: boolean
  #unpacked: AsyncIterator<Buffer> | null = null
  #splitter: RowSplitter
  /** Names of the columns; null: they come with the first row. */
  #columns: readonly string[] | null
  /** Rows up to here were given before. */
  #skipTo = 0
  #readOffset = 0
  #place: Place = fileStart

  private constructor(path: string, handle: FileHandle, id: string, format: RowFormat) {
    this.path = path
    this.id = id
    this.#handle = handle
    this.#format = format
    this.#isPacked = path.endsWith('.gz')
    this.#columns = format.kind === 'csv' ? format.columns : []
    this.#splitter = this.#splitterAt(fileStart)
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
    return this.#place
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
    while (this.#columns === null) {
      const row = this.#splitter.next()
      if (row !== null) this.#columns = this.#columnsOf(row)
      else if (!(await this.#fill())) break
    }
    this.#splitter = this.#splitterAt(place)
    this.#readOffset = place.offset
    this.#place = place
  }

  /** Begins anew: the file was cut short. */
  restart(): void {
    this.#columns = this.#format.kind === 'csv' ? this.#format.columns : []
    this.#splitter = this.#splitterAt(fileStart)
    this.#readOffset = 0
    this.#skipTo = 0
    this.#place = fileStart
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
      let row = this.#splitter.next()
      if (row === null) {
        if (await this.#fill()) continue
        row = isWhole ? this.#splitter.end() : null
        if (row === null) return { records, isAtEnd: true }
      }
      const record = this.#recordOf(row, readMs)
      if (record !== null) records.push(record)
      bytes += row.bytes.length
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

  #recordOf(row: Row, readMs: number): SourceRecord | null {
    const isFirst = this.#place.offset === 0
    this.#place = { offset: row.endOffset, line: row.line }
    const hasMark = isFirst && row.bytes.subarray(0, 3).equals(byteOrderMark)
    const bytes = hasMark ? row.bytes.subarray(3) : row.bytes
    if (this.#columns === null) {
      this.#columns = this.#columnsOf({ ...row, bytes })
      return null
    }
    if (row.endOffset <= this.#skipTo) return null
    return this.#format.record(bytes, this.#columns, readMs)
  }

  #columnsOf({ bytes }: Row): readonly string[] {
    const hasMark = bytes.subarray(0, 3).equals(byteOrderMark)
    const text = (hasMark ? bytes.subarray(3) : bytes).toString('utf8')
    const columns = csvFields(text, this.#format.delimiter ?? ',')
    const fault = columns === null ? 'quotes that do not close' : columnsFault(columns)
    if (columns !== null && fault === null) return columns
    throw new MillraceError('source-failed', `the first row, of column names, is ${fault}`, {
      at: { file: this.path, line: 1 },
      hint: 'put a row of names on top, or give them with the option columns',
    })
  }

  /** @returns false at the end of the file */
  async #fill(): Promise<boolean> {
    const chunk = this.#isPacked ? await this.#unpack() : await this.#read()
    if (chunk === null) return false
    this.#splitter.push(chunk)
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

  #splitterAt({ offset, line }: Place): RowSplitter {
    const { lineBytesMax, delimiter } = this.#format
    const rows = { bytesMax: lineBytesMax, delimiter: delimiter?.charCodeAt(0) ?? null }
    return new RowSplitter({ ...rows, file: this.path, offset, line })
  }
}
