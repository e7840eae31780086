/**
 * Checksums of the rows of the small tables: a CRC-32 over the row's columns in its column `sum`.
 * (Blocks of records and changelog blobs have their own.) SQLite reads a page that was damaged in
 * the middle of a number as another number; here it is refused.
 *
 * Every connection has, for each of these tables, a temporary view of the table's name, which gives
 * the rows whose sum is right and throws at another one. So whoever selects gets what was written;
 * whoever writes names the table itself, `main.topics`, with the SQL made here: a row is changed
 * only if it is sound. About 0.5 µs a row read, 1 µs a row changed (2026-11-24).
 */
import { crc32 } from 'node:zlib'
import { MillraceError } from '../../core/error.ts'
import type { SqlValue, Store } from './db.ts'
import { damaged } from './errors.ts'

/** Columns by table, in order. */
const lists = {
  meta: 'key, value',
  topics: 'id, name, created_ms, retention_ms, retention_bytes, cleanup, record_bytes_max',
  partitions: `id, topic_id, partition, start_offset, next_offset, bytes, compacted_offset,
    compacted_bytes, compact_again_ms`,
  offsets: 'grp, task, part_id, next',
  pipelines: 'name, generation, owner',
  tasks: 'id, pipeline, task, epoch, next_seq, round_seq, keep_seq, trim_seq',
  producers: 'producer, part_id, sequence, base_offset, count, written_ms',
  dropped: 'part_id',
} as const

export type SummedTable = keyof typeof lists

export const summedTables = Object.keys(lists) as SummedTable[]

function columnsOf(table: SummedTable): readonly string[] {
  return lists[table].split(/,\s+/)
}

export function sumOf(values: readonly SqlValue[]): number {
  return crc32(JSON.stringify(values))
}

/** Adds the functions and views to a connection to a file of this format. */
export function useRowSums(store: Store): void {
  defineSums(store)
  for (const table of summedTables) {
    // As a subquery: in a plain condition SQLite puts what the query compares a column with in the
    // place of the column ("constant propagation"), before it has compared.
    store.exec(`CREATE TEMP VIEW ${table} AS SELECT * FROM main.${table}
      WHERE (SELECT row_is_sound('${table}', sum, ${lists[table]}))`)
  }
}

function defineSums(store: Store): void {
  const check = (table: string, sum: SqlValue, values: readonly SqlValue[]): void => {
    if (sum === sumOf(values)) return
    const row = JSON.stringify(values)
    const text = `a row of table ${table} in ${store.path} is damaged: ${row}`
    throw new MillraceError('log-damaged', text, {
      hint: 'restore it from a copy, or choose another data directory: --data DIR',
    })
  }
  store.define('row_sum', (...values) => sumOf(values))
  store.define('row_is_sound', (table, sum, ...values) => {
    check(table as string, sum as SqlValue, values)
    return 1
  })
  store.define('row_sum_next', (table, sum, ...values) => {
    const count = values.length / 2
    check(table as string, sum as SqlValue, values.slice(0, count))
    return sumOf(values.slice(count))
  })
}

/**
 * Looks at every row, and at the pages that hold them and their indexes: a row that is not to be
 * found has no sum that could be wrong. About 0.3 ms for 100 rows. @throws `log-damaged`
 */
export function checkRows(store: Store): void {
  for (const table of summedTables) {
    store.get(`SELECT count(*) FROM ${table}`)
    const found = store.pragma(`main.integrity_check(${table})`)
    if (found !== 'ok') throw damaged(store.path, `has a damaged table ${table} (${String(found)})`)
  }
}

/** `sum` for an insert of all columns in order; `values` are expressions, `?1, ?2` for one. */
export function insertedSum(values: string): string {
  return `row_sum(${values})`
}

/** Column → expression. */
type Changes = Readonly<Record<string, string>>

/** `UPDATE main.table SET …` with these columns set to these expressions, and the sum. */
export function update(table: SummedTable, changes: Changes): string {
  const sets = Object.entries(changes).map(([column, value]) => `${column} = ${value}`)
  return `UPDATE main.${table} SET ${sets.join(', ')}, sum = ${changedSum(table, changes)}`
}

/** The sum of a row that is changed so. */
export function changedSum(table: SummedTable, changes: Changes): string {
  const before = columnsOf(table)
  const after = before.map((column) => changes[column] ?? column)
  return `row_sum_next('${table}', sum, ${[...before, ...after].join(', ')})`
}

/** Sums up the row inserted last: for tables that give their rows a number. */
export function sumInserted(table: 'topics' | 'partitions' | 'tasks'): string {
  return `${summed(table)} WHERE id = last_insert_rowid()`
}

/** Gives each table its sums: for a file that has none. In the caller's transaction. */
export function addRowSums(store: Store): void {
  defineSums(store)
  for (const table of summedTables) {
    store.exec(`ALTER TABLE main.${table} ADD COLUMN sum INTEGER NOT NULL DEFAULT 0`)
    store.exec(summed(table))
  }
}

function summed(table: SummedTable): string {
  return `UPDATE main.${table} SET sum = row_sum(${lists[table]})`
}
