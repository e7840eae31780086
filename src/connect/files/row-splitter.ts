/**
 * Cuts the bytes of a file into rows, and says where each ends: a position is the offset behind a
 * whole row. With a delimiter a row is one of CSV (RFC 4180), which may hold line ends in quotes.
 *
 * (The command line's LineSplitter counts lines far longer than memory; this one stops at a limit,
 * and knows bytes and quotes.)
 */
import { MillraceError } from '../../core/error.ts'

export interface Row {
  /** Without its line end; a view that lives as long as its chunk. */
  readonly bytes: Buffer
  /** Offset in the file behind its line end. */
  readonly endOffset: number
  /** Number of its last line, from 1. */
  readonly line: number
}

export interface SplitterOptions {
  /** Longest row, bytes. */
  readonly bytesMax: number
  /** Of CSV, one byte; null: every line end ends a row. */
  readonly delimiter: number | null
  /** For errors. */
  readonly file: string
  /** Where the bytes begin. */
  readonly offset: number
  /** Lines before them. */
  readonly line: number
}

const newline = 0x0a
const carriageReturn = 0x0d
const quote = 0x22

export class RowSplitter {
  readonly #options: SplitterOptions
  #bytes: Buffer = Buffer.alloc(0)
  /** Where the next row begins in `#bytes`. */
  #at = 0
  /** Offset in the file of `#at`. */
  #offset: number
  #line: number

  constructor(options: SplitterOptions) {
    this.#options = options
    this.#offset = options.offset
    this.#line = options.line
  }

  /** Takes the next bytes of the file. Call `next` until it gives null before the next ones. */
  push(chunk: Buffer): void {
    const rest = this.#bytes.subarray(this.#at)
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#at = 0
  }

  /** The next whole row; null: more bytes are needed. @throws `record-too-large` */
  next(): Row | null {
    const { delimiter, bytesMax } = this.#options
    const end =
      delimiter === null
        ? this.#bytes.indexOf(newline, this.#at)
        : rowEnd(this.#bytes, this.#at, delimiter)
    if (end !== -1) return this.#row(end, 1)
    // Two more bytes may be its line end.
    if (this.#bytes.length - this.#at > bytesMax + 2) throw this.#tooLong()
    return null
  }

  /** What is left, where the file ends without a line end. null: nothing. */
  end(): Row | null {
    return this.#at === this.#bytes.length ? null : this.#row(this.#bytes.length, 0)
  }

  #row(end: number, endBytes: 0 | 1): Row {
    const { delimiter, bytesMax } = this.#options
    const start = this.#at
    const hasReturn = end > start && this.#bytes[end - 1] === carriageReturn
    const bytes = this.#bytes.subarray(start, hasReturn ? end - 1 : end)
    if (bytes.length > bytesMax) throw this.#tooLong()
    this.#at = end + endBytes
    this.#offset += this.#at - start
    this.#line += 1 + (delimiter === null ? 0 : linesIn(bytes))
    return { bytes, endOffset: this.#offset, line: this.#line }
  }

  #tooLong(): MillraceError {
    const { bytesMax, file } = this.#options
    const text = `a line is longer than ${bytesMax} bytes, from byte ${this.#offset} on`
    return new MillraceError('record-too-large', text, {
      at: { file, line: this.#line + 1 },
      hint: 'raise lineBytesMax, and recordBytesMax of the topic, or take the line out of the file',
    })
  }
}

/** Where the row's `\n` stands, outside quotes; -1: not in these bytes. */
function rowEnd(bytes: Buffer, from: number, delimiter: number): number {
  const end = bytes.indexOf(newline, from)
  if (end === -1 || !bytes.subarray(from, end).includes(quote)) return end
  for (let at = from; ; at++) {
    // A quote opens only at the beginning of a field; elsewhere it is a character like any other.
    if (bytes[at] === quote) at = closingQuote(bytes, at + 1)
    while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== newline) at++
    if (at >= bytes.length) return -1
    if (bytes[at] === newline) return at
  }
}

/** Behind the quote that closes a field; the length where that is not to be seen yet. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let at = from; ;) {
    const found = bytes.indexOf(quote, at)
    // As the last byte it may be the first of two.
    if (found === -1 || found + 1 === bytes.length) return bytes.length
    if (bytes[found + 1] !== quote) return found + 1
    at = found + 2
  }
}

function linesIn(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++
  return count
}
