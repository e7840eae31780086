/** The records of bytes that come piece by piece: from where they begin, with their columns. */
import { MillraceError } from '../../core/error.ts'
import type { SourceRecord } from '../source.ts'
import { csvFields } from './csv-row.ts'
import { columnsFault } from './row-format.ts'
import type { RowFormat } from './row-format.ts'
import { RowSplitter } from './row-splitter.ts'
import type { Row } from './row-splitter.ts'

/** A place in a file. */
export interface Place {
  /** Behind a whole row, bytes; of a packed file, unpacked ones. */
  readonly offset: number
  /** Lines before it. */
  readonly line: number
}

export interface RowStart {
  /** For errors. */
  readonly file: string
  readonly place: Place
  /** Of CSV, where they are known: the bytes do not begin with them. */
  readonly columns: readonly string[] | null
}

export const fileStart: Place = { offset: 0, line: 0 }

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

export class RowRecords {
  readonly #format: RowFormat
  readonly #file: string
  readonly #splitter: RowSplitter
  #columns: readonly string[] | null
  #place: Place

  constructor(format: RowFormat, { file, place, columns }: RowStart) {
    this.#format = format
    this.#file = file
    this.#place = place
    this.#columns = format.kind === 'csv' ? (columns ?? format.columns) : []
    const { lineBytesMax, delimiter } = format
    const rows = { bytesMax: lineBytesMax, delimiter: delimiter?.charCodeAt(0) ?? null }
    this.#splitter = new RowSplitter({ ...rows, ...place, file })
  }

  /** Behind the last row that was given. */
  get place(): Place {
    return this.#place
  }

  /** null: of CSV, they have not come yet. */
  get columns(): readonly string[] | null {
    return this.#columns
  }

  /** Takes the next bytes. Call `next` until it gives null before the next ones. */
  push(chunk: Buffer): void {
    this.#splitter.push(chunk)
  }

  /**
   * The next row's record: null where it has none, as an empty row and the names of the columns.
   * @param isWhole nothing more comes: a last row without line end is one, too
   * @returns null where more bytes are needed
   * @throws `record-too-large` · `source-failed` for names of columns that cannot be
   */
  next(
    readMs: number,
    isWhole: boolean,
  ): { readonly record: SourceRecord | null; readonly bytes: number } | null {
    const row = this.#splitter.next() ?? (isWhole ? this.#splitter.end() : null)
    if (row === null) return null
    const bytes = this.#place.offset === 0 ? withoutMark(row.bytes) : row.bytes
    this.#place = { offset: row.endOffset, line: row.line }
    if (this.#columns === null) {
      this.#columns = this.#columnsOf(bytes, row)
      return { record: null, bytes: bytes.length }
    }
    return { record: this.#format.record(bytes, this.#columns, readMs), bytes: bytes.length }
  }

  #columnsOf(bytes: Buffer, { line }: Row): readonly string[] {
    const columns = csvFields(bytes.toString('utf8'), this.#format.delimiter ?? ',')
    const fault = columns === null ? 'quotes that do not close' : columnsFault(columns)
    if (columns !== null && fault === null) return columns
    throw new MillraceError('source-failed', `the first row, of column names, is ${fault}`, {
      at: { file: this.#file, line },
      hint: 'put a row of names on top, or give them with the option columns',
    })
  }
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes
}
