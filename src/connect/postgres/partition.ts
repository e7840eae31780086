/** A partition of the outbox, written to the database: rows and position in one statement. */
import type { Client } from 'pg'
import type { Attempt, OutboxPlace, SinkPartition, SinkRecord } from '../sink.ts'
import { cutOff } from './connect-postgres.ts'
import { asDatabaseError } from './database-error.ts'
import { fenced } from './positions.ts'
import { type RowsOptions, rowsOf } from './rows.ts'
import { quotedTable, rowStatement, type Table } from './table.ts'

/** A connection that several partitions write by, one after the other. */
export class Lane {
  readonly client: Client
  #last: Promise<unknown> = Promise.resolve()

  constructor(client: Client) {
    this.client = client
  }

  /** When its time is over the connection is cut: what it waits for may never come. */
  run<R>(signal: AbortSignal, what: string, work: (client: Client) => Promise<R>): Promise<R> {
    const done = this.#last
      .catch(() => {})
      .then(async () => {
        const onAbort = (): void => cutOff(this.client)
        signal.addEventListener('abort', onAbort)
        try {
          signal.throwIfAborted()
          return await work(this.client)
        } catch (thrown) {
          throw asDatabaseError(thrown, what)
        } finally {
          signal.removeEventListener('abort', onAbort)
        }
      })
    this.#last = done
    return done
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {})
    await this.client.end().catch(() => {})
  }
}

export interface PartitionParts<V, K> {
  readonly lane: Lane
  readonly place: OutboxPlace
  readonly position: number | null
  /** As the option has it. */
  readonly positions: string
  readonly table: Table
  readonly rows: Omit<RowsOptions<V, K>, 'columns'>
}

export class PostgresPartition<V, K> implements SinkPartition<V, K> {
  readonly position: number | null
  readonly #parts: PartitionParts<V, K>
  readonly #statements = new Map<string, string>()

  constructor(parts: PartitionParts<V, K>) {
    this.position = parts.position
    this.#parts = parts
  }

  async write(
    records: readonly SinkRecord<V, K>[],
    nextOffset: number,
    { signal }: Attempt,
  ): Promise<void> {
    const { lane, place, table, rows: options } = this.#parts
    const { columns, rows, deleted } = rowsOf(records, { ...options, columns: table.columns })
    const text = this.#statement(columns, deleted !== null)
    const { topic, partition, epoch } = place
    const values: unknown[] = [nextOffset, topic, partition, epoch]
    if (columns.length > 0) values.push(rows)
    if (deleted !== null) values.push(deleted)
    const what = `the rows of ${topic}, partition ${partition}, were not written`
    const moved = await lane.run(signal, what, async (client) => {
      const answer = await client.query<{ moved: number }>(text, values)
      return answer.rows[0]?.moved ?? 0
    })
    if (moved === 0) throw fenced(place)
  }

  #statement(columns: readonly string[], deletes: boolean): string {
    const { positions, table, rows } = this.#parts
    const name = JSON.stringify([columns, deletes])
    let text = this.#statements.get(name)
    if (text === undefined) {
      const { key } = rows
      text = rowStatement({ positions: quotedTable(positions), table, columns, key, deletes })
      this.#statements.set(name, text)
    }
    return text
  }
}
