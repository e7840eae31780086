/** What the rows of a file are, as users say it, and the records that are made of them. */
import { isUtf8 } from 'node:buffer'
import { MillraceError } from '../../core/error.ts'
import { encodeKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { SourceRecord } from '../source.ts'
import { csvFields } from './csv-row.ts'

export interface RowOptions {
  /**
   * `ndjson`: a JSON value a line, passed on as it is. `csv`: values are objects of the columns,
   * written as JSON. `lines`: each line is a text.
   */
  readonly format: 'ndjson' | 'csv' | 'lines'
  /**
   * What a record is keyed by: a field of its value, or a function of it. Default: no key. Where
   * the value is not to be read, or has no such field, the record has no key.
   */
  readonly key?: string | ((value: never) => Key | null)
  /**
   * When a record happened: a field, or a function of the value; a Date, ms since 1970 or a text
   * that `Date` reads. Default, and where there is none: when the line was read.
   */
  readonly time?: string | ((value: never) => Date | number | string)
  /** CSV: one character of ASCII. Default `','`. */
  readonly delimiter?: string
  /** CSV: names of the columns, where the file does not begin with a row of them. */
  readonly columns?: readonly string[]
  /**
   * CSV: what columns hold. Default `'string'`. An empty number or boolean is null; a field that is
   * none stays a text, for the topic's schema to refuse.
   */
  readonly types?: Readonly<Record<string, 'string' | 'number' | 'boolean'>>
  /** Longest line, bytes; a longer one ends the run. 1 to 64 MiB. Default 1 MiB. */
  readonly lineBytesMax?: number
  /** Records of a batch, at most: a batch is one commit. 1 to 10,000. Default 10,000. */
  readonly batch?: number
}

export const rowOptionNames = [
  'format',
  'key',
  'time',
  'delimiter',
  'columns',
  'types',
  'lineBytesMax',
  'batch',
] as const satisfies readonly (keyof RowOptions)[]

/** `RowOptions`, checked. */
export interface RowFormat {
  readonly kind: RowOptions['format']
  readonly delimiter: string | null
  readonly columns: readonly string[] | null
  readonly lineBytesMax: number
  readonly batch: number
  /** @returns null for a row to pass over: an empty one */
  record(bytes: Buffer, columns: readonly string[], readMs: number): SourceRecord | null
  /** The value of a row; undefined where it is not to be read. */
  value(bytes: Buffer, columns: readonly string[]): unknown
  /** ms since 1970 by the option `time`; null where there is none. */
  timeOf(value: unknown): number | null
}

const lineBytesDefault = 1 << 20
const lineBytesLargest = 64 << 20
const batchMax = 10_000

/** @param who `source 'trades'`, for errors. @throws `invalid-argument` */
export function rowFormat(who: string, options: RowOptions): RowFormat {
  const { format, key, time, types = {}, columns } = options
  const refuse = (option: string, value: unknown, allowed: string): MillraceError =>
    new MillraceError('invalid-argument', `${option} of ${who} cannot be ${shown(value)}`, {
      hint: `use ${allowed}`,
    })
  if (format !== 'ndjson' && format !== 'csv' && format !== 'lines')
    throw refuse('format', format, "'ndjson', 'csv' or 'lines'")
  for (const option of ['delimiter', 'columns', 'types'] as const)
    if (options[option] !== undefined && format !== 'csv')
      throw refuse(option, options[option], `it with the format 'csv' only`)
  const { delimiter = ',' } = options
  if (!/^[\t\u0020-\u007e]$/.test(delimiter) || delimiter === '"')
    throw refuse('delimiter', delimiter, 'one character of ASCII that is no quote')
  for (const [option, value] of [
    ['key', key],
    ['time', time],
  ] as const) {
    const isRight =
      value === undefined || typeof value === 'function' || (isText(value) && format !== 'lines')
    if (!isRight) throw refuse(option, value, 'the name of a field, or a function of the value')
  }
  if (columns !== undefined && columnsFault(columns) !== null)
    throw refuse('columns', columnsFault(columns), 'a list of names, each once')
  for (const [name, type] of Object.entries(types))
    if (type !== 'string' && type !== 'number' && type !== 'boolean')
      throw refuse(`types.${name}`, type, "'string', 'number' or 'boolean'")
  const count = (option: 'lineBytesMax' | 'batch', fallback: number, most: number): number => {
    const value = options[option] ?? fallback
    if (Number.isInteger(value) && value >= 1 && value <= most) return value
    throw refuse(option, value, `a whole number from 1 to ${most}`)
  }
  const timeOf = timeReader(time)
  const value = valueReader(format, delimiter, types)
  return {
    kind: format,
    delimiter: format === 'csv' ? delimiter : null,
    columns: columns ?? null,
    lineBytesMax: count('lineBytesMax', lineBytesDefault, lineBytesLargest),
    batch: count('batch', batchMax, batchMax),
    value,
    timeOf,
    record: recordMaker(options, value, timeOf),
  }
}

type ValueReader = (bytes: Buffer, columns: readonly string[]) => unknown
type TimeReader = (value: unknown) => number | null

function recordMaker(
  { format, key, time }: RowOptions,
  valueOf: ValueReader,
  timeOf: TimeReader,
): RowFormat['record'] {
  const isPlain = key === undefined && time === undefined && format !== 'csv'
  const keyOf = keyReader(key)
  return (bytes, columns, readMs) => {
    if (bytes.length === 0 && format !== 'lines') return null
    if (isPlain) return { key: null, value: bytes, time: readMs }
    const value = valueOf(bytes, columns)
    // What cannot be read goes on as it is: the pipeline keeps it as a dead letter.
    if (value === undefined) return { key: null, value: bytes, time: readMs }
    const written = format === 'csv' ? JSON.stringify(value) : bytes
    return { key: keyOf(value), value: written, time: timeOf(value) ?? readMs }
  }
}

function valueReader(
  format: RowOptions['format'],
  delimiter: string,
  types: NonNullable<RowOptions['types']>,
): ValueReader {
  if (format === 'csv') return (bytes, columns) => csvValue(bytes, { columns, delimiter, types })
  if (format === 'lines') return (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : undefined)
  return (bytes) => {
    if (!isUtf8(bytes)) return undefined
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown
    } catch {
      return undefined
    }
  }
}

function csvValue(
  bytes: Buffer,
  row: {
    readonly columns: readonly string[]
    readonly delimiter: string
    readonly types: NonNullable<RowOptions['types']>
  },
): unknown {
  const { columns, delimiter, types } = row
  const fields = isUtf8(bytes) ? csvFields(bytes.toString('utf8'), delimiter) : null
  if (fields === null || fields.length !== columns.length) return undefined
  // A column may be named __proto__; then it is an own one like any other.
  return Object.fromEntries(columns.map((name, i) => [name, typed(fields[i] ?? '', types[name])]))
}

function typed(text: string, type: 'string' | 'number' | 'boolean' | undefined): unknown {
  if (type === undefined || type === 'string') return text
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (type === 'boolean') return trimmed === 'true' ? true : trimmed === 'false' ? false : text
  const number = Number(trimmed)
  return Number.isFinite(number) ? number : text
}

function keyReader(key: RowOptions['key']): (value: unknown) => string | null {
  if (key === undefined) return () => null
  const read = typeof key === 'string' ? field(key) : (key as (value: unknown) => unknown)
  return (value) => {
    try {
      const found = read(value)
      return found === null || found === undefined ? null : encodeKey(found as Key)
    } catch {
      return null // as the docs say; a step that needs the key makes a dead letter of it
    }
  }
}

function timeReader(time: RowOptions['time']): TimeReader {
  if (time === undefined) return () => null
  const read = typeof time === 'string' ? field(time) : (time as (value: unknown) => unknown)
  return (value) => {
    let found: unknown
    try {
      found = read(value)
    } catch {
      return null
    }
    const ms =
      found instanceof Date
        ? found.getTime()
        : typeof found === 'string'
          ? Date.parse(found)
          : found
    return typeof ms === 'number' && Number.isFinite(ms) ? ms : null
  }
}

function field(name: string): (value: unknown) => unknown {
  return (value) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined
}

/** What is wrong with the names of columns; null: nothing. */
export function columnsFault(columns: readonly string[]): string | null {
  if (!Array.isArray(columns) || columns.length === 0) return 'an empty list'
  const seen = new Set<string>()
  for (const name of columns as readonly unknown[]) {
    if (!isText(name)) return 'a list with a name that is empty'
    if (seen.has(name)) return `a list with '${name}' twice`
    seen.add(name)
  }
  return null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'that'
}
