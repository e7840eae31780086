/** How a broker is reached: what the source and the sink have in common. */
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { Secret } from '../secret.ts'

export interface MqttBrokerOptions {
  /**
   * `mqtt://host:1883`, `mqtts://host:8883`, `ws://…` or `wss://…`. A user and a password in it are
   * used, and shown nowhere.
   */
  readonly url: string
  /** 4: MQTT 3.1.1; 5: MQTT 5. Default 5. */
  readonly version?: 4 | 5
  readonly username?: string
  readonly password?: Secret
  /** For `mqtts` and `wss`: PEM texts. Default: the system's authorities, no certificate. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: Secret }
  /** Between two signs of life on a quiet connection. `'1s'` to `'18h'`. Default `'30s'`. */
  readonly keepAlive?: Duration
  /** For a connection to come about. At least `'100ms'`. Default `'10s'`. */
  readonly connectTimeout?: Duration
}

/** All of it, checked. */
export interface MqttBroker {
  /** Without user and password. */
  readonly url: string
  readonly version: 4 | 5
  readonly username: string | null
  readonly password: Secret | null
  readonly tls: NonNullable<MqttBrokerOptions['tls']>
  readonly keepAliveSeconds: number
  readonly connectTimeoutMs: number
}

export const brokerOptionNames = [
  'url',
  'version',
  'username',
  'password',
  'tls',
  'keepAlive',
  'connectTimeout',
] as const satisfies readonly (keyof MqttBrokerOptions)[]

const protocols = ['mqtt:', 'mqtts:', 'ws:', 'wss:']
const keepAliveSecondsMax = 65_535

/**
 * @param who for errors: `source 'mqtt'`
 * @throws `invalid-argument` · `invalid-duration`
 */
export function brokerOf(who: string, options: MqttBrokerOptions): MqttBroker {
  const { version = 5, tls = {}, keepAlive = '30s', connectTimeout = '10s' } = options
  const url = urlOf(who, options.url)
  if (version !== 4 && version !== 5)
    throw refusedOption(who, 'version', version, '4 (MQTT 3.1.1) or 5')
  const keepAliveSeconds = Math.round(durationMs(keepAlive, 'keepAlive') / 1_000)
  if (keepAliveSeconds < 1 || keepAliveSeconds > keepAliveSecondsMax)
    throw refusedOption(who, 'keepAlive', keepAlive, "'1s' to '18h'")
  const connectTimeoutMs = durationMs(connectTimeout, 'connectTimeout')
  if (connectTimeoutMs < 100)
    throw refusedOption(who, 'connectTimeout', connectTimeout, "at least '100ms'")
  const username = options.username ?? decoded(url.username)
  const password = options.password ?? decoded(url.password)
  if (password !== null && username === null)
    throw refusedOption(who, 'password', 'given', 'it with a username')
  url.username = ''
  url.password = ''
  return { url: url.href, version, username, password, tls, keepAliveSeconds, connectTimeoutMs }
}

/** The value is shown: never one that is secret. */
export function refusedOption(
  who: string,
  option: string,
  value: unknown,
  allowed: string,
): MillraceError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value)
  return new MillraceError('invalid-argument', `${option} of ${who} cannot be ${shown}`, {
    hint: `use ${allowed}`,
  })
}

function urlOf(who: string, text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null
  if (url !== null && protocols.includes(url.protocol) && url.hostname !== '') return url
  // It may hold a password: it is not shown.
  throw new MillraceError('invalid-argument', `url of ${who} is no address of a broker`, {
    hint: "write it like 'mqtt://127.0.0.1:1883', or with mqtts, ws or wss",
  })
}

function decoded(part: string): string | null {
  return part === '' ? null : decodeURIComponent(part)
}
