/** How records become rows of a file. */
import { MillraceError } from '../../core/error.ts'
import { csvField } from '../files/csv-row.ts'
import type { SinkRecord } from '../sink.ts'

/** What a column of a Parquet file holds. */
export type ColumnType = 'string' | 'boolean' | 'int32' | 'int64' | 'double' | 'timestamp' | 'json'

export interface FileFormat {
  /** Of the final file's name. */
  readonly extension: string
  /** First bytes of every file. */
  readonly head: string
  /** One record, with its line end. @throws `sink-refused` */
  row(record: SinkRecord): string
  /** Makes the final file of the rows; null: they are it. */
  readonly finish: ((from: FinishFrom) => Promise<void>) | null
}

export interface FinishFrom {
  /** Of the rows. */
  readonly staged: string
  readonly bytes: number
  /** To be made; on disk when it is done. */
  readonly path: string
}

export const ndjsonFormat: FileFormat = {
  extension: 'ndjson',
  head: '',
  row: (record) => `${jsonOf(record, record.value)}\n`,
  finish: null,
}

export function csvFormat(columns: readonly string[], delimiter: string): FileFormat {
  const line = (fields: readonly string[]): string =>
    `${fields.map((field) => csvField(field, delimiter)).join(delimiter)}\n`
  return {
    extension: 'csv',
    head: line(columns),
    row: (record) => {
      const value = objectOf(record)
      return line(columns.map((name) => csvText(record, own(value, name))))
    },
    finish: null,
  }
}

/** Rows on their way to Parquet: a JSON list of the columns' values, each as its type has it. */
export function parquetFormat(
  columns: Readonly<Record<string, ColumnType>>,
  finish: (from: FinishFrom) => Promise<void>,
): FileFormat {
  const types = Object.entries(columns)
  return {
    extension: 'parquet',
    head: '',
    row: (record) => {
      const value = objectOf(record)
      const row = types.map(([name, type]) => columnValue(record, { name, type }, own(value, name)))
      return `${JSON.stringify(row)}\n`
    },
    finish,
  }
}

function csvText(record: SinkRecord, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (value instanceof Date) return JSON.parse(jsonOf(record, value)) as string
  if (typeof value === 'bigint') return String(value)
  return jsonOf(record, value)
}

interface Column {
  readonly name: string
  readonly type: ColumnType
}

function columnValue(record: SinkRecord, column: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null
  const { type } = column
  if (type === 'json') return jsonOf(record, value)
  if (type === 'timestamp') {
    const ms =
      value instanceof Date
        ? value.getTime()
        : typeof value === 'string'
          ? Date.parse(value)
          : value
    if (typeof ms === 'number' && Number.isFinite(ms)) return Math.round(ms)
  }
  if (type === 'int64') {
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return String(value)
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  }
  const isRight =
    (type === 'string' && typeof value === 'string') ||
    (type === 'boolean' && typeof value === 'boolean') ||
    // JSON has no NaN.
    (type === 'double' && Number.isFinite(value)) ||
    (type === 'int32' && typeof value === 'number' && (value | 0) === value)
  if (isRight) return value
  throw refused(record, `${column.name} is not of the type ${type} of its column`)
}

function objectOf(record: SinkRecord): object {
  const { value } = record
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw refused(record, 'it is no object, which has columns')
}

function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

function jsonOf(record: SinkRecord, value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw refused(record, 'it has no JSON', cause)
  }
  if (text === undefined) throw refused(record, 'it has no JSON')
  return text
}

function refused({ id }: SinkRecord, why: string, cause?: unknown): MillraceError {
  return new MillraceError('sink-refused', `record ${id} cannot be written to a file: ${why}`, {
    hint: 'bring values into the right form in a step before the sink',
    ...(cause === undefined ? {} : { cause }),
  })
}
