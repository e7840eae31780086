/** How a PostgreSQL database is reached. */
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { Secret } from '../secret.ts'

export interface PostgresDatabaseOptions {
  /**
   * `postgres://host:5432/database`. A user and a password in it are used, and shown nowhere. Other
   * parts (`?sslmode=…`) are refused: say them by options.
   */
  readonly url: string
  readonly user?: string
  readonly password?: Secret
  /** true: TLS with the system's authorities; or PEM texts. Default: no TLS. */
  readonly tls?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: Secret }
  /** For a connection to come about. At least `'100ms'`. Default `'10s'`. */
  readonly connectTimeout?: Duration
}

/** All of it, checked. */
export interface PostgresDatabase {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: Secret | null
  readonly tls: Exclude<PostgresDatabaseOptions['tls'], undefined>
  readonly connectTimeoutMs: number
}

export const databaseOptionNames = [
  'url',
  'user',
  'password',
  'tls',
  'connectTimeout',
] as const satisfies readonly (keyof PostgresDatabaseOptions)[]

const portUsual = 5_432

/**
 * @param who for errors: `sink 'minutes'`
 * @throws `invalid-argument` · `invalid-duration`
 */
export function databaseOf(who: string, options: PostgresDatabaseOptions): PostgresDatabase {
  const { tls = false, connectTimeout = '10s' } = options
  const url = urlOf(who, options.url)
  const connectTimeoutMs = durationMs(connectTimeout, 'connectTimeout')
  if (connectTimeoutMs < 100) throw refusedOption(who, 'connectTimeout', "at least '100ms'")
  const database = decodeURIComponent(url.pathname.slice(1))
  const user = options.user ?? decoded(url.username)
  if (user === null) throw refusedOption(who, 'user', 'a name, here or in the url')
  if (typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null))
    throw refusedOption(who, 'tls', 'true, false or { ca, cert, key }')
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? portUsual : Number(url.port),
    database,
    user,
    password: options.password ?? decoded(url.password),
    tls,
    connectTimeoutMs,
  }
}

/** The value is not shown: it may be secret. */
export function refusedOption(who: string, option: string, allowed: string): MillraceError {
  const text = `${option} of ${who} has a value that it cannot have`
  return new MillraceError('invalid-argument', text, { hint: `use ${allowed}` })
}

function urlOf(who: string, text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null
  const isWhole =
    url !== null &&
    ['postgres:', 'postgresql:'].includes(url.protocol) &&
    url.hostname !== '' &&
    /^\/[^/]+$/.test(url.pathname) &&
    url.search === '' &&
    url.hash === ''
  if (isWhole) return url
  // It may hold a password: it is not shown.
  throw new MillraceError('invalid-argument', `url of ${who} is no address of a database`, {
    hint: "write it like 'postgres://127.0.0.1:5432/plant'; what comes after ? are options here",
  })
}

function decoded(part: string): string | null {
  return part === '' ? null : decodeURIComponent(part)
}
