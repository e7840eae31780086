/** The table that a sink writes: its columns, as the database has them, and the statement. */
import type { Client } from 'pg'
import { MillraceError } from '../../core/error.ts'

export interface Table {
  /** Quoted. */
  readonly name: string
  /** Those that can be written, in order of the table. */
  readonly columns: readonly string[]
}

/** As written in an option: `table` or `schema.table`, quoted by part. */
export function quotedTable(text: string): string {
  return text.split('.').map(quoted).join('.')
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** @throws `sink-unavailable` where it is not there: somebody may make it */
export async function tableOf(client: Client, table: string): Promise<Table> {
  const name = quotedTable(table)
  const { rows } = await client.query<{ attname: string }>(
    `SELECT attname FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     ORDER BY attnum`,
    [name],
  )
  if (rows.length > 0) return { name, columns: rows.map(({ attname }) => attname) }
  throw new MillraceError('sink-unavailable', `the database has no table ${table}`, {
    hint: 'create it; what is to be written waits meanwhile',
  })
}

export interface RowStatement {
  /** Of the table of positions, quoted. */
  readonly positions: string
  readonly table: Table
  /** Columns of the rows. */
  readonly columns: readonly string[]
  /** Columns by which a row takes the place of another; null: rows are only added. */
  readonly key: readonly string[] | null
  /** Whether rows are deleted as well. */
  readonly deletes: boolean
}

/**
 * One statement for rows and position, so that they are one transaction and one round trip. It does
 * nothing at all where another owner has the partition. Parameters: next offset, topic, partition,
 * epoch; then, where there are any, rows as JSON, and keys to delete as JSON.
 */
export function rowStatement(statement: RowStatement): string {
  const { positions, table, columns, key, deletes } = statement
  const names = columns.map(quoted).join(', ')
  const rows = columns.map((column) => `r.${quoted(column)}`).join(', ')
  const parts = [
    `moved AS (UPDATE ${positions} SET next_offset = $1, written_at = now()
       WHERE topic = $2 AND partition = $3 AND epoch = $4 RETURNING 1)`,
  ]
  if (columns.length > 0) {
    parts.push(
      `written AS (INSERT INTO ${table.name} (${names})
         SELECT ${rows} FROM jsonb_populate_recordset(NULL::${table.name}, $5::jsonb) AS r
         WHERE EXISTS (SELECT FROM moved)${conflict(statement)})`,
    )
  }
  if (deletes && key !== null) {
    const keys = columns.length > 0 ? '$6' : '$5'
    const isSame = key.map((column) => `t.${quoted(column)} = k.${quoted(column)}`).join(' AND ')
    parts.push(
      `deleted AS (DELETE FROM ${table.name} AS t
         USING jsonb_populate_recordset(NULL::${table.name}, ${keys}::jsonb) AS k
         WHERE ${isSame} AND EXISTS (SELECT FROM moved))`,
    )
  }
  return `WITH ${parts.join(',\n')}\nSELECT count(*)::int AS moved FROM moved`
}

function conflict({ columns, key }: RowStatement): string {
  if (key === null) return ''
  const others = columns.filter((column) => !key.includes(column))
  const target = `\nON CONFLICT (${key.map(quoted).join(', ')})`
  if (others.length === 0) return `${target} DO NOTHING`
  const sets = others.map((column) => `${quoted(column)} = EXCLUDED.${quoted(column)}`)
  return `${target} DO UPDATE SET ${sets.join(', ')}`
}
