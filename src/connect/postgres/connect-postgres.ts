/** Opens connections to a database. The only file that loads the package `pg`. */
import type { Client, ClientConfig } from 'pg'
import { messageOf, MillraceError } from '../../core/error.ts'
import { secret } from '../secret.ts'
import { asDatabaseError } from './database-error.ts'
import type { PostgresDatabase } from './postgres-options.ts'

export interface ConnectOptions {
  /** Shown by the server among its sessions. */
  readonly applicationName: string
  /** After which the server ends a statement by itself. */
  readonly statementMsMax: number
  readonly signal: AbortSignal
}

/**
 * A connection that is told when it ends: nobody listens to a client between two queries.
 * @throws `missing-dependency` · `sink-unavailable` · what `secret` throws
 */
export async function connectPostgres(
  database: PostgresDatabase,
  { applicationName, statementMsMax, signal }: ConnectOptions,
): Promise<Client> {
  const { default: pg } = await loaded(() => import('pg'))
  const { host, port, user, connectTimeoutMs } = database
  const client = new pg.Client({
    host,
    port,
    user,
    database: database.database,
    ...(database.password === null ? {} : { password: await secret(database.password) }),
    ssl: await tlsOf(database.tls),
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementMsMax,
    // A transaction of which nobody knows any more must not hold its locks.
    idle_in_transaction_session_timeout: statementMsMax,
    keepAlive: true,
  })
  client.on('error', () => {}) // the next query says so
  const onAbort = (): void => cutOff(client)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    await client.connect()
    return client
  } catch (thrown) {
    cutOff(client)
    throw asDatabaseError(thrown, `no connection to the database at ${host}:${port}`)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Ends it at once, whatever is under way: the server rolls back what was not committed. */
export function cutOff(client: Client): void {
  const { connection } = client as unknown as {
    connection?: { stream?: { destroy(): void } }
  }
  connection?.stream?.destroy()
}

async function tlsOf(tls: PostgresDatabase['tls']): Promise<NonNullable<ClientConfig['ssl']>> {
  if (typeof tls === 'boolean') return tls
  const { ca, cert, key } = tls
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: await secret(key) }),
  }
}

/** Only who uses PostgreSQL needs its package. @throws `missing-dependency` */
export async function loaded<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (thrown) {
    if (!/'pg'/.test(messageOf(thrown))) throw thrown
    throw new MillraceError('missing-dependency', 'the package pg is not there', {
      hint: 'install it: npm install pg',
    })
  }
}
