/**
 * Finds the records of a body, as ranges of its bytes: what is JSON is stored as it came, without
 * being made into values.
 */
import { isUtf8 } from 'node:buffer'
import { JsonScan, jsonDepthMax } from '../core/json-scan.ts'
import { type Issue, Refusal } from './refusal.ts'

/** Faults told in one answer; nothing behind them is looked at. */
export const issuesMax = 10

const newline = 0x0a
const carriageReturn = 0x0d

export interface RangeBounds {
  readonly recordsMax: number
  readonly recordBytesMax: number
}

/** The records of a body in order: record `i` is [starts[i], ends[i]). */
export interface RecordRanges {
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  /** Where record `i` stands, for messages. */
  place(i: number): { readonly line: number } | { readonly record: number }
}

/** Lines of JSON, looked at as they come. Empty lines are passed over. */
export class LineRanges implements RecordRanges {
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly #bounds: RangeBounds
  readonly #scan = new JsonScan()
  readonly #issues: Issue[] = []
  /** Lines of the records; null while each line is one. */
  #lines: number[] | null = null
  #lineStart = 0
  #line = 0

  constructor(bounds: RangeBounds) {
    this.#bounds = bounds
  }

  /**
   * Looks at the lines that are whole.
   * @param body all that has come so far
   * @throws Refusal 400, 413
   */
  take(body: Buffer): void {
    const end = body.lastIndexOf(newline)
    if (end < this.#lineStart) {
      // A line without end is not waited for.
      if (body.length - this.#lineStart > this.#bounds.recordBytesMax + 1) {
        throw tooLarge({ line: this.#line + 1 }, body.length - this.#lineStart, this.#bounds)
      }
      return
    }
    const isText = isUtf8(body.subarray(this.#lineStart, end))
    for (let at = this.#lineStart; at <= end;) {
      const lineEnd = body.indexOf(newline, at)
      this.#take(body, at, lineEnd, isText)
      at = lineEnd + 1
    }
    this.#lineStart = end + 1
  }

  /** The last line needs no line end. @throws Refusal 400, 413 */
  end(body: Buffer): void {
    if (this.#lineStart < body.length) {
      const isText = isUtf8(body.subarray(this.#lineStart))
      this.#take(body, this.#lineStart, body.length, isText)
    }
    this.#refuseIssues()
  }

  place(i: number): { line: number } {
    return { line: this.#lines === null ? i + 1 : (this.#lines[i] as number) }
  }

  #take(body: Buffer, start: number, lineEnd: number, isText: boolean): void {
    this.#line += 1
    const end = lineEnd > start && body[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd
    if (end === start) {
      this.#lines ??= this.starts.map((_, i) => i + 1)
      return
    }
    const { recordsMax, recordBytesMax } = this.#bounds
    if (end - start > recordBytesMax)
      throw tooLarge({ line: this.#line }, end - start, this.#bounds)
    if (this.starts.length === recordsMax) throw tooMany(this.#bounds)
    if (!isText && !isUtf8(body.subarray(start, end))) this.#tell('it is not UTF-8')
    else {
      const next = this.#scan.value(body, start, end)
      if (next !== end)
        this.#tell(faultText(body, start, end, next < 0 ? this.#scan.faultAt : next))
    }
    this.#lines?.push(this.#line)
    this.starts.push(start)
    this.ends.push(end)
  }

  #tell(detail: string): void {
    this.#issues.push({ line: this.#line, detail })
    if (this.#issues.length >= issuesMax) this.#refuseIssues()
  }

  #refuseIssues(): void {
    const [first] = this.#issues
    if (first === undefined) return
    throw new Refusal(400, 'decode-failed', `line ${first.line} is not JSON: ${first.detail}`, {
      hint: 'send one JSON value a line; nothing of this request was written',
      issues: this.#issues,
    })
  }
}

/**
 * A body that is one JSON text: each item of an array is a record, any other value is one.
 * @throws Refusal 400, 413
 */
export function jsonRanges(body: Buffer, bounds: RangeBounds): RecordRanges {
  if (!isUtf8(body)) throw notJson('it is not UTF-8')
  const scan = new JsonScan()
  const starts: number[] = []
  const ends: number[] = []
  const take = (start: number, end: number): void => {
    if (starts.length === bounds.recordsMax) throw tooMany(bounds)
    if (end - start > bounds.recordBytesMax) {
      throw tooLarge({ record: starts.length }, end - start, bounds)
    }
    starts.push(start)
    ends.push(end)
  }
  const value = (at: number): number => {
    const start = spaceEnd(body, at)
    const next = scan.value(body, start, body.length)
    if (next < 0) throw notJson(faultText(body, 0, body.length, scan.faultAt))
    take(start, spaceStart(body, start, next))
    return next
  }
  const first = spaceEnd(body, 0)
  if (body[first] !== 0x5b) {
    const end = value(first)
    if (end < body.length) throw notJson(faultText(body, 0, body.length, end))
    return { starts, ends, place: (record) => ({ record }) }
  }
  let at = spaceEnd(body, first + 1)
  if (body[at] === 0x5d) at += 1
  else {
    for (;;) {
      at = value(at)
      const closer = body[at]
      at += 1
      if (closer === 0x5d) break
      if (closer !== 0x2c) throw notJson(faultText(body, 0, body.length, at - 1))
    }
  }
  at = spaceEnd(body, at)
  if (at < body.length) throw notJson(faultText(body, 0, body.length, at))
  return { starts, ends, place: (record) => ({ record }) }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === newline || byte === carriageReturn || byte === 0x09
}

function spaceEnd(body: Buffer, start: number): number {
  let at = start
  while (isSpace(body[at])) at += 1
  return at
}

/** Where the white space before `end` begins. */
function spaceStart(body: Buffer, start: number, end: number): number {
  let at = end
  while (at > start && isSpace(body[at - 1])) at -= 1
  return at
}

/** What is wrong at a byte, for whoever wrote it. */
function faultText(body: Buffer, start: number, end: number, at: number): string {
  if (at >= end) return 'it ends too early'
  // Cut at bytes: a character that was cut is not shown.
  const piece = body.toString('utf8', at, Math.min(end, at + 20)).replace(/\uFFFD+$/, '')
  const isOpen = body[at] === 0x5b || body[at] === 0x7b
  const depth = isOpen ? `; values may be nested ${jsonDepthMax} deep` : ''
  return `at byte ${at - start}: ${JSON.stringify(piece)}${depth}`
}

function notJson(why: string): Refusal {
  return new Refusal(400, 'decode-failed', `the body is not JSON: ${why}`, {
    hint: 'send one JSON value, an array of them, or lines as application/x-ndjson',
  })
}

function tooLarge(
  place: { readonly line?: number; readonly record?: number },
  bytes: number,
  { recordBytesMax }: RangeBounds,
): Refusal {
  const detail = `it has ${bytes} bytes or more; the topic takes ${recordBytesMax} a record`
  const where = place.line === undefined ? `record ${place.record}` : `line ${place.line}`
  return new Refusal(413, 'record-too-large', `${where} is too large: ${detail}`, {
    hint: 'send it in parts, or raise recordBytesMax of the topic',
    issues: [{ ...place, detail }],
  })
}

function tooMany({ recordsMax }: RangeBounds): Refusal {
  return new Refusal(413, 'body-too-large', `a request may have ${recordsMax} records`, {
    hint: 'send them in several requests',
  })
}
