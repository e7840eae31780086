/** Rows in PostgreSQL, each record exactly once. */
import { MillraceError } from '../../core/error.ts'
import { checkSinkName } from '../../pipeline/sink-spec.ts'
import { deliveryOptionNames, deliverySpec } from '../delivery/delivery-options.ts'
import type { DeliveryOptions } from '../delivery/delivery-options.ts'
import { checkOptionNames } from '../option-names.ts'
import { connectPostgres } from '../postgres/connect-postgres.ts'
import { Lane, PostgresPartition } from '../postgres/partition.ts'
import { ensurePositions, takePosition } from '../postgres/positions.ts'
import { databaseOf, databaseOptionNames, refusedOption } from '../postgres/postgres-options.ts'
import type { PostgresDatabase, PostgresDatabaseOptions } from '../postgres/postgres-options.ts'
import type { Row } from '../postgres/rows.ts'
import { type Table, tableOf } from '../postgres/table.ts'
import type {
  Attempt,
  OutboxPlace,
  SinkPartition,
  SinkRecord,
  TransactionalConnection,
  TransactionalSink,
} from '../sink.ts'

export interface PostgresSinkOptions<V, K>
  extends PostgresDatabaseOptions, Omit<DeliveryOptions, 'order' | 'concurrency'> {
  /** `name` or `schema.name`, as PostgreSQL has it (its names are in lower case mostly). */
  readonly table: string
  /** `append` (default): each record is a row more. `upsert`: a row for each key. */
  readonly mode?: 'append' | 'upsert'
  /** For `upsert`: the columns of a primary key, or of a unique index. */
  readonly key?: string | readonly string[]
  /**
   * The row of a value: column → value. Default: the value itself. A column that a row lacks is
   * null. null, and a value that is null, deletes the row that the record's key names (`upsert`).
   */
  readonly row?: (value: V, record: SinkRecord<V, K>) => Row | null
  /** Where it is written up to where the database is. Default `millrace_positions`. */
  readonly positions?: string
  /** Connections at most, in one process: partitions share them. 1 to 100. Default 4. */
  readonly connections?: number
}

const batchDefault = 2_000
const positionsDefault = 'millrace_positions'
const tablePattern = /^[^.\0]{1,63}(?:\.[^.\0]{1,63})?$/

/**
 * A sink that writes rows. Exactly once: the position in the outbox is written in the transaction
 * that writes the rows, in a table beside yours, and with it who may write: also under `kill -9`,
 * lost connections and answers, and where another process takes over.
 *
 * A record whose row the database refuses (a type, a constraint) is a dead letter; those beside it
 * are written. A table that is not there, missing rights or a full disk are waited for.
 * @param name stable, unique in its pipeline: 1 to 100 of `a-z A-Z 0-9 . _ -`
 * @throws `invalid-argument` · `invalid-duration`. The run ends with `missing-dependency`
 * @example
 * const minutes = postgres<{ device: string; celsius: number }, string>('minutes', {
 *   url: 'postgres://millrace@127.0.0.1:5432/plant',
 *   password: { env: 'PLANT_PASSWORD' },
 *   table: 'minutes',
 *   mode: 'upsert',
 *   key: 'device',
 *   row: ({ device, celsius }, { time }) => ({ device, celsius, at: new Date(time) }),
 * })
 */
export function postgres<V = unknown, K = unknown>(
  name: string,
  options: PostgresSinkOptions<V, K>,
): TransactionalSink<V, K> {
  checkSinkName(name)
  const who = `sink '${name}'`
  checkOptionNames(who, options, optionNames)
  const { table, positions = positionsDefault, connections = 4 } = options
  const { row = (value: V) => value as Row | null } = options
  if (typeof table !== 'string' || !tablePattern.test(table))
    throw refusedOption(who, 'table', "'name' or 'schema.name'")
  if (typeof positions !== 'string' || !tablePattern.test(positions))
    throw refusedOption(who, 'positions', "'name' or 'schema.name'")
  if (typeof row !== 'function') throw refusedOption(who, 'row', 'a function of the value')
  if (!(Number.isInteger(connections) && connections >= 1 && connections <= 100))
    throw refusedOption(who, 'connections', 'a whole number from 1 to 100')
  const key = keyOf(who, options)
  const database = databaseOf(who, options)
  const delivery = deliverySpec(name, options, {
    batch: batchDefault,
    order: 'partition',
    concurrency: 8,
  })
  const plan = { database, table, positions, connections, timeoutMs: delivery.timeoutMs }
  return {
    kind: 'sink',
    guarantee: 'exactly-once',
    name,
    type: 'postgres',
    codec: null,
    keep: options.keep ?? false,
    delivery,
    open: async ({ signal }) => {
      const connection = new PostgresConnection<V, K>({ ...plan, rows: { sink: name, row, key } })
      await connection.open(signal)
      return connection
    },
  }
}

interface Plan<V, K> {
  readonly database: PostgresDatabase
  readonly table: string
  readonly positions: string
  readonly connections: number
  readonly timeoutMs: number
  readonly rows: {
    readonly sink: string
    readonly row: (value: V, record: SinkRecord<V, K>) => Row | null
    readonly key: readonly string[] | null
  }
}

class PostgresConnection<V, K> implements TransactionalConnection<V, K> {
  readonly #plan: Plan<V, K>
  readonly #lanes = new Map<number, Promise<Lane>>()
  #table: Table | null = null

  constructor(plan: Plan<V, K>) {
    this.#plan = plan
  }

  async open(signal: AbortSignal): Promise<void> {
    const { table, positions } = this.#plan
    try {
      const lane = await this.#lane(0, signal)
      await lane.run(signal, 'the database could not be prepared', async (client) => {
        await ensurePositions(client, positions)
        this.#table = await tableOf(client, table)
      })
    } catch (thrown) {
      await this.close()
      throw thrown
    }
  }

  async take(place: OutboxPlace, { signal }: Attempt): Promise<SinkPartition<V, K>> {
    const { connections, positions, rows } = this.#plan
    const lane = await this.#lane(place.partition % connections, signal)
    const what = `partition ${place.partition} of ${place.topic} was not taken over`
    const position = await lane.run(signal, what, (client) => {
      return takePosition(client, positions, place)
    })
    const table = this.#table as Table
    return new PostgresPartition<V, K>({ lane, place, position, positions, table, rows })
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#lanes.values()].map((opening) =>
        opening.then(
          (lane) => lane.close(),
          () => {},
        ),
      ),
    )
  }

  #lane(number: number, signal: AbortSignal): Promise<Lane> {
    const known = this.#lanes.get(number)
    if (known !== undefined) return known
    const { database, timeoutMs, rows } = this.#plan
    const opening = connectPostgres(database, {
      applicationName: `millrace ${rows.sink}`,
      statementMsMax: timeoutMs,
      signal,
    }).then((client) => new Lane(client))
    this.#lanes.set(number, opening)
    opening.catch(() => this.#lanes.delete(number))
    return opening
  }
}

function keyOf<V, K>(who: string, options: PostgresSinkOptions<V, K>): readonly string[] | null {
  const { mode = 'append', key } = options
  if (mode !== 'append' && mode !== 'upsert')
    throw refusedOption(who, 'mode', "'append' or 'upsert'")
  if (mode === 'append') {
    if (key !== undefined) throw refusedOption(who, 'key', "it with mode: 'upsert' only")
    return null
  }
  const columns = typeof key === 'string' ? [key] : (key ?? [])
  const isRight =
    Array.isArray(columns) &&
    columns.length > 0 &&
    columns.every((column) => typeof column === 'string' && column !== '')
  if (isRight) return columns
  throw new MillraceError('invalid-argument', `${who} does not say which rows take which place`, {
    hint: "give key: the columns of the table's primary key",
  })
}

const optionNames: readonly string[] = [
  ...databaseOptionNames,
  ...deliveryOptionNames.filter((one) => one !== 'order' && one !== 'concurrency'),
  'table',
  'mode',
  'key',
  'row',
  'positions',
  'connections',
]
