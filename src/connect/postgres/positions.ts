/**
 * The table that says up to where each partition of an outbox is in the database, and who may write
 * on. It is written in the transaction that writes the rows.
 */
import type { Client } from 'pg'
import { MillraceError } from '../../core/error.ts'
import type { OutboxPlace } from '../sink.ts'
import { sqlStateOf } from './database-error.ts'
import { quotedTable } from './table.ts'

/** Two processes that create it at once: one of them is told so, by one of these. */
const madeByAnother = new Set(['23505', '42P07'])

/** Makes the table where it is not there; whoever may not create tables finds it made before. */
export async function ensurePositions(client: Client, positions: string): Promise<void> {
  const name = quotedTable(positions)
  const { rows } = await client.query<{ known: string | null }>(
    'SELECT to_regclass($1)::text AS known',
    [name],
  )
  if ((rows[0]?.known ?? null) !== null) return
  try {
    await client.query(`CREATE TABLE IF NOT EXISTS ${name} (
      topic text NOT NULL,
      partition integer NOT NULL,
      epoch bigint NOT NULL,
      next_offset bigint,
      written_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (topic, partition))`)
  } catch (thrown) {
    if (!madeByAnother.has(sqlStateOf(thrown) ?? '')) throw thrown
  }
}

/**
 * Takes a partition over. A write of the owner before that is under way holds the row: this waits
 * for its end, and finds what it has written.
 * @returns the next offset; null: nothing was written yet
 * @throws `task-fenced` where somebody took it over later
 */
export async function takePosition(
  client: Client,
  positions: string,
  { topic, partition, epoch }: OutboxPlace,
): Promise<number | null> {
  const name = quotedTable(positions)
  const { rows } = await client.query<{ next_offset: string | null }>(
    `INSERT INTO ${name} AS p (topic, partition, epoch) VALUES ($1, $2, $3)
     ON CONFLICT (topic, partition) DO UPDATE SET epoch = EXCLUDED.epoch
     WHERE p.epoch <= EXCLUDED.epoch RETURNING next_offset`,
    [topic, partition, epoch],
  )
  const [row] = rows
  if (row === undefined) throw fenced({ topic, partition, epoch })
  return row.next_offset === null ? null : Number(row.next_offset)
}

export function fenced({ topic, partition, epoch }: OutboxPlace): MillraceError {
  return new MillraceError('task-fenced', `another process writes this partition: epoch ${epoch}`, {
    at: { topic, partition },
  })
}
