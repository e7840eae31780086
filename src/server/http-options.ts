/** Options of the HTTP server, checked and with their defaults. */
import { isIP } from 'node:net'
import { type Duration, durationMs } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'

export interface HttpOptions {
  /** 0 to 65535; 0 takes one that is free. */
  readonly port: number
  /**
   * Address to listen on. Default `127.0.0.1`: this machine alone. Any other address than one of
   * this machine alone needs a `token`.
   */
  readonly host?: string
  /**
   * What a client has to show, as `Authorization: Bearer TOKEN`: at least 16 visible ASCII
   * characters. Several are all right, for one to take the place of another. Default: none.
   */
  readonly token?: string | readonly string[]
  /**
   * Names, beside addresses, under which clients may reach it: what may stand in the header `Host`.
   * Default: `localhost` where it listens on this machine alone.
   */
  readonly hosts?: readonly string[]
  /** Whether it also serves the page: `/` in a browser. Default false. */
  readonly ui?: boolean
  /** What becomes of a record that does not fit its topic's schema. Default `refuse`. */
  readonly invalid?: 'refuse' | 'take'
  /** Bytes of a request's body. Default 16 MiB. */
  readonly bodyBytesMax?: number
  /** Records of a request. Default 100,000. */
  readonly recordsMax?: number
  /** Bytes of bodies in memory, all requests together. Default 64 MiB, at least `bodyBytesMax`. */
  readonly bytesInFlightMax?: number
  /** Requests a second of one client (token and address); null (default): no limit. */
  readonly requestsPerSecond?: number | null
  /** How long a request may take to come. Default `30s`. */
  readonly requestTimeout?: Duration
  /** For how long an Idempotency-Key is remembered. Default `1h`. */
  readonly keepKeysFor?: Duration
  /** How many are remembered at most. Default 250,000 (about 100 MB). */
  readonly keysMax?: number
}

export interface CheckedHttpOptions {
  readonly port: number
  readonly host: string
  readonly tokens: readonly string[]
  readonly hosts: readonly string[]
  readonly isLoopback: boolean
  readonly ui: boolean
  readonly invalid: 'refuse' | 'take'
  readonly bodyBytesMax: number
  readonly recordsMax: number
  readonly bytesInFlightMax: number
  readonly requestsPerSecond: number | null
  readonly requestTimeoutMs: number
  readonly keepKeysForMs: number
  readonly keysMax: number
}

const tokenPattern = /^[\x21-\x7e]{16,512}$/
const namePattern = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i

/** @throws `invalid-argument` · `invalid-duration`; a token is never part of a message */
export function checkHttpOptions(options: HttpOptions): CheckedHttpOptions {
  const { host = '127.0.0.1', hosts = [], invalid = 'refuse', token = [] } = options
  const port = whole('port', options.port, { min: 0, max: 65_535 })
  const tokens = typeof token === 'string' ? [token] : token
  const isLoopback = isLoopbackHost(host)
  for (const one of tokens) {
    if (tokenPattern.test(one)) continue
    throw refuse('an HTTP token is too short, too long, or has characters that a header cannot', {
      hint: 'use 16 to 512 visible ASCII characters, such as: openssl rand -hex 32',
    })
  }
  if (!isLoopback && tokens.length === 0) {
    throw refuse(`HTTP on ${host} can be reached by other machines, and has no token`, {
      hint: 'set MILLRACE_HTTP_TOKEN or MILLRACE_HTTP_TOKEN_FILE, or listen on 127.0.0.1',
    })
  }
  for (const name of hosts) {
    if (namePattern.test(name)) continue
    throw refuse(`'${name}' is no name of a host`, { hint: 'write it without scheme and port' })
  }
  if (invalid !== 'refuse' && invalid !== 'take') {
    throw refuse(`invalid cannot be ${String(invalid)}`, { hint: "use 'refuse' or 'take'" })
  }
  const bodyBytesMax = whole('bodyBytesMax', options.bodyBytesMax ?? 16_777_216, sizes)
  const perSecond = options.requestsPerSecond ?? null
  return {
    port,
    host,
    tokens,
    isLoopback,
    ui: options.ui ?? false,
    hosts: isLoopback ? ['localhost', ...hosts] : hosts,
    invalid,
    bodyBytesMax,
    recordsMax: whole('recordsMax', options.recordsMax ?? 100_000, counts),
    bytesInFlightMax: whole(
      'bytesInFlightMax',
      options.bytesInFlightMax ?? Math.max(67_108_864, bodyBytesMax),
      { min: bodyBytesMax, max: 2 ** 40 },
    ),
    requestsPerSecond: perSecond === null ? null : whole('requestsPerSecond', perSecond, counts),
    requestTimeoutMs: durationMs(options.requestTimeout ?? '30s', 'requestTimeout'),
    keepKeysForMs: durationMs(options.keepKeysFor ?? '1h', 'keepKeysFor'),
    keysMax: whole('keysMax', options.keysMax ?? 250_000, counts),
  }
}

/** A body lies in one piece of memory, and its records in blocks of less than 1 GiB. */
const sizes = { min: 1, max: 2 ** 29 }
const counts = { min: 1, max: 10_000_000 }

function whole(name: string, value: number, { min, max }: { min: number; max: number }): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw refuse(`http: ${name} cannot be ${String(value)}`, {
    hint: `use a whole number from ${min} to ${max}`,
  })
}

function refuse(text: string, { hint }: { readonly hint: string }): MillraceError {
  return new MillraceError('invalid-argument', text, { hint })
}

/** Whether nothing but this machine can reach the address. A name but `localhost` may be any. */
export function isLoopbackHost(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
