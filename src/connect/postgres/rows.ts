/** Records as rows: one JSON text for all of them, which the database reads by the column types. */
import { MillraceError } from '../../core/error.ts'
import type { SinkRecord } from '../sink.ts'

/** Column → value. */
export type Row = Readonly<Record<string, unknown>>

export interface RowsOptions<V, K> {
  readonly sink: string
  /** null: the row that the key names is to be deleted. */
  readonly row: (value: V, record: SinkRecord<V, K>) => Row | null
  readonly key: readonly string[] | null
  /** Those of the table. */
  readonly columns: readonly string[]
}

export interface Rows {
  /** Columns that any of them has, in the order of the table. */
  readonly columns: readonly string[]
  readonly rows: string
  /** null: none is deleted. */
  readonly deleted: string | null
}

/**
 * Where rows take the place of others, only the last of each key is written: one statement cannot
 * write a row twice.
 * @throws `sink-refused` for a record without a row
 */
export function rowsOf<V, K>(
  records: readonly SinkRecord<V, K>[],
  options: RowsOptions<V, K>,
): Rows {
  const { key, columns } = options
  const known = new Set(columns)
  const used = new Set<string>()
  const written = new Map<string, string>()
  const deleted = new Map<string, string>()
  for (const record of records) {
    const row = rowOf(record, options)
    const isGone = row === null
    if (!isGone && Object.keys(row).length === 0) throw refused(record, 'its row has no column')
    const found = row ?? keyRow(record, options)
    for (const name of Object.keys(found)) {
      if (!known.has(name))
        throw refused(record, `its row has '${name}', and the table no such column`)
      if (!isGone) used.add(name)
    }
    const identity = key === null ? record.id : identityOf(record, found, key)
    written.delete(identity)
    deleted.delete(identity)
    const text = jsonOf(record, found)
    if (isGone) deleted.set(identity, text)
    else written.set(identity, text)
  }
  return {
    columns: written.size === 0 ? [] : columns.filter((name) => used.has(name)),
    rows: `[${[...written.values()].join(',')}]`,
    deleted: deleted.size === 0 ? null : `[${[...deleted.values()].join(',')}]`,
  }
}

function rowOf<V, K>(record: SinkRecord<V, K>, { row }: RowsOptions<V, K>): Row | null {
  let made: unknown
  try {
    made = record.value === null ? null : row(record.value, record)
  } catch (thrown) {
    throw refused(record, 'its row could not be made', thrown)
  }
  if (made === null || (typeof made === 'object' && !Array.isArray(made))) return made as Row | null
  throw refused(record, `its row is no object of columns but ${typeof made}`)
}

/** The key as columns, for a row that is to be deleted. */
function keyRow<V, K>(record: SinkRecord<V, K>, { key }: RowsOptions<V, K>): Row {
  if (key === null) throw refused(record, 'it has no row, and rows are only added')
  const parts: readonly unknown[] = Array.isArray(record.key) ? record.key : [record.key]
  if (parts.length !== key.length || parts.some((part) => part === null || part === undefined))
    throw refused(record, `its key does not say which row is to be deleted: ${key.join(', ')}`)
  return Object.fromEntries(key.map((name, i) => [name, parts[i]]))
}

function identityOf(record: SinkRecord, row: Row, key: readonly string[]): string {
  const parts = key.map((name) => row[name])
  if (parts.some((part) => part === undefined || part === null))
    throw refused(record, `its row lacks a column of the key: ${key.join(', ')}`)
  return JSON.stringify(parts.map((part) => String(part instanceof Date ? part.getTime() : part)))
}

function jsonOf(record: SinkRecord, row: Row): string {
  try {
    return JSON.stringify(Object.fromEntries(Object.entries(row).map(([k, v]) => [k, plain(v)])))
  } catch (thrown) {
    throw refused(record, 'its row cannot be written as JSON', thrown)
  }
}

/** What JSON has no word for, as PostgreSQL writes it. */
function plain(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return String(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'object':
      if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
      return value instanceof Date && Number.isNaN(value.getTime()) ? null : value
    default:
      return value
  }
}

function refused(record: SinkRecord, why: string, cause?: unknown): MillraceError {
  const text = `record ${record.id} cannot be written: ${why}`
  return new MillraceError('sink-refused', text, cause === undefined ? {} : { cause })
}
