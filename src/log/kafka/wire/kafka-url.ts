/** `kafka://host:port,host:port?tls=true&sasl=…`, and the secrets that do not belong into it. */
import { MillraceError } from '../../../core/error.ts'
import { addressOf, placeOf } from './place.ts'
import { saslMechanisms } from './security.ts'
import type { SaslOptions, SecurityOptions, TlsOptions } from './security.ts'

/** What an URL or options say of the login; secrets may be missing and come from elsewhere. */
export interface LoginChoice {
  readonly mechanism: SaslOptions['mechanism']
  readonly username?: string
}

export interface KafkaUrl {
  readonly brokers: readonly string[]
  /** Absent: nothing was said. */
  readonly tls?: boolean | TlsOptions
  readonly sasl?: LoginChoice
  /** What else was set, of those that the caller knows. */
  readonly settings: ReadonlyMap<string, string>
}

const portDefault = 9092
const hostVariables = 'MILLRACE_KAFKA_'

/** Secrets by the name that somebody may give them in an URL. */
const secretVariables: ReadonlyMap<string, string> = new Map([
  ['password', 'MILLRACE_KAFKA_PASSWORD'],
  ['sasl.password', 'MILLRACE_KAFKA_PASSWORD'],
  ['token', 'MILLRACE_KAFKA_TOKEN'],
  ['passphrase', 'MILLRACE_KAFKA_PASSPHRASE'],
])

const ownSettings = ['tls', 'ca', 'cert', 'key', 'servername', 'verify', 'sasl', 'username']

/**
 * Parameters: `tls=true|false`, `ca`, `cert`, `key` (paths of PEM files; each means TLS),
 * `servername`, `verify=false` (takes any certificate), `sasl` (the mechanism), `username`.
 * @param settings names of further parameters that the caller knows
 * @throws `invalid-argument`, without the text of the URL where it may hold a secret
 */
export function parseKafkaUrl(url: string, settings: readonly string[] = []): KafkaUrl {
  const found = /^kafka:\/\/([^/?#]*)\/?(?:\?([^#]*))?$/.exec(url)
  if (found === null) {
    throw invalid('the address of the log is not written like kafka://host:port', urlHint)
  }
  const [, authority = '', query = ''] = found
  if (authority.includes('@')) throw userInAddress(authority)
  const parameters = parametersOf(query)
  for (const name of parameters.keys()) {
    if (ownSettings.includes(name) || settings.includes(name)) continue
    throw invalid(
      `'${name}' in the address of the log is not known`,
      `known are ${[...ownSettings, ...settings].join(', ')}`,
    )
  }
  const tls = tlsOf(parameters)
  const sasl = saslOf(parameters)
  return {
    brokers: brokersOf(authority),
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
    settings: new Map([...parameters].filter(([name]) => settings.includes(name))),
  }
}

const urlHint = 'for instance kafka://127.0.0.1:9092 or kafka://a:9092,b:9092?tls=true'

function userInAddress(authority: string): MillraceError {
  const user = authority.slice(0, authority.indexOf('@'))
  return user.includes(':')
    ? secretInUrl('password')
    : invalid(
        'the address of the log has a user before the host',
        'write it behind the address: ?sasl=scram-sha-512&username=NAME',
      )
}

function secretInUrl(name: string): MillraceError {
  return invalid(
    `the address of the log holds a ${name}: it would stand in process lists and logs`,
    `take it out, and set the environment variable ${secretVariables.get(name) ?? ''}`,
  )
}

function brokersOf(authority: string): readonly string[] {
  const parts = authority.split(',').filter((part) => part !== '')
  if (parts.length === 0) throw invalid('the address of the log names no broker', urlHint)
  return parts.map((part) =>
    placeOf(addressOf(/:\d+$/.test(part) ? part : `${part}:${portDefault}`)),
  )
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (secretVariables.has(name.toLowerCase())) throw secretInUrl(name.toLowerCase())
    if (parameters.has(name)) throw invalid(`'${name}' is twice in the address of the log`)
    if (value === '') throw invalid(`'${name}' in the address of the log is empty`)
    parameters.set(name, value)
  }
  return parameters
}

function tlsOf(parameters: ReadonlyMap<string, string>): boolean | TlsOptions | undefined {
  const text = (name: string): Record<string, string> => {
    const value = parameters.get(name)
    return value === undefined ? {} : { [name]: value }
  }
  const options: TlsOptions = {
    ...text('ca'),
    ...text('cert'),
    ...text('key'),
    ...text('servername'),
    ...(isTrue(parameters, 'verify') === false ? { rejectUnauthorized: false } : {}),
  }
  const isWanted = isTrue(parameters, 'tls')
  const [first] = Object.keys(options)
  if (first === undefined) return isWanted
  if (isWanted === false) throw invalid(`tls=false, but '${first}' is set for TLS`)
  return options
}

function isTrue(parameters: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const value = parameters.get(name)
  if (value === undefined) return undefined
  if (value === 'true' || value === 'false') return value === 'true'
  throw invalid(`'${name}' in the address of the log is '${value}'`, 'write true or false')
}

function saslOf(parameters: ReadonlyMap<string, string>): LoginChoice | undefined {
  const given = parameters.get('sasl')?.toLowerCase()
  const username = parameters.get('username')
  if (given === undefined) {
    if (username === undefined) return undefined
    throw invalid('a username is set, but no mechanism', 'add sasl=scram-sha-512 to the address')
  }
  const mechanism = saslMechanisms.find((one) => one === given)
  if (mechanism === undefined) {
    throw invalid(`the SASL mechanism '${given}' is not known`, knownMechanisms)
  }
  return { mechanism, ...(username === undefined ? {} : { username }) }
}

const knownMechanisms = `known are ${saslMechanisms.join(', ')}`

/** Environment variables by what they give. All begin with MILLRACE_KAFKA_. */
export const securityVariables = {
  USERNAME: 'user name of the login',
  PASSWORD: 'password of the login by plain, scram-sha-256 or scram-sha-512',
  TOKEN: 'token of the login by oauthbearer',
  CA: "certificate of the CA that signed the brokers' (PEM text or a path); turns TLS on",
  CERT: "the client's own certificate (PEM text or a path); turns TLS on",
  KEY: 'the key of that certificate (PEM text or a path)',
  PASSPHRASE: 'passphrase of that key',
} as const

/**
 * What was chosen, with what the environment adds: secrets, and whatever was not chosen. Secrets
 * become functions, so that printing the result does not show them.
 * @throws `invalid-argument` where a login was chosen and its user or secret is missing
 */
export function securityFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  chosen: { readonly tls?: boolean | TlsOptions; readonly sasl?: LoginChoice | SaslOptions } = {},
): SecurityOptions {
  const given = (name: keyof typeof securityVariables): string | undefined => {
    const value = environment[`${hostVariables}${name}`]
    return value === '' ? undefined : value
  }
  const tls = tlsWith(chosen.tls, given)
  const sasl = chosen.sasl === undefined ? undefined : saslWith(chosen.sasl, given)
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

type Given = (name: keyof typeof securityVariables) => string | undefined

function tlsWith(
  chosen: boolean | TlsOptions | undefined,
  given: Given,
): boolean | TlsOptions | undefined {
  if (chosen === false) return false
  const [ca, cert, key, passphrase] = [
    given('CA'),
    given('CERT'),
    given('KEY'),
    given('PASSPHRASE'),
  ]
  const isOn = chosen !== undefined || ca !== undefined || cert !== undefined
  if (!isOn) return undefined
  const own = typeof chosen === 'object' ? chosen : {}
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: () => key }),
    ...(passphrase === undefined ? {} : { passphrase: () => passphrase }),
    ...own,
  }
}

function saslWith(chosen: LoginChoice | SaslOptions, given: Given): SaslOptions {
  if ('password' in chosen || 'token' in chosen) return chosen
  const { mechanism } = chosen
  if (mechanism === 'oauthbearer') {
    const token = given('TOKEN')
    if (token !== undefined) return { mechanism, token: () => token }
    throw missing(mechanism, 'token', 'MILLRACE_KAFKA_TOKEN')
  }
  const username = chosen.username ?? given('USERNAME')
  if (username === undefined) throw missing(mechanism, 'user name', 'MILLRACE_KAFKA_USERNAME')
  const password = given('PASSWORD')
  if (password === undefined) throw missing(mechanism, 'password', 'MILLRACE_KAFKA_PASSWORD')
  return { mechanism, username, password: () => password }
}

function missing(mechanism: string, what: string, variable: string): MillraceError {
  return invalid(`the login by ${mechanism} has no ${what}`, `set ${variable}`)
}

function invalid(text: string, hint?: string): MillraceError {
  return new MillraceError('invalid-argument', text, hint === undefined ? {} : { hint })
}
