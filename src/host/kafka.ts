/** Kafka as a process chooses it: by options, or by an address with its settings from outside. */
import { readFileSync } from 'node:fs'
import { MillraceError, messageOf } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import type { KafkaLogOptions } from '../log/kafka/kafka-log.ts'
import type { LogOpener } from './log-name.ts'

/**
 * Apache Kafka as the log of a run. Needs the package `@platformatic/kafka`.
 * @example
 * const log = kafka({ brokers: ['127.0.0.1:9092'] })
 */
export function kafka(options: KafkaLogOptions): LogOpener {
  return { openLog: () => openKafka(options) }
}

async function openKafka(options: KafkaLogOptions): Promise<Log> {
  const { openKafkaLog } = await loaded(() => import('../log/kafka/kafka-log.ts'))
  return await openKafkaLog(options)
}

/** Only who uses Kafka needs its package. @throws `missing-dependency` */
export async function loaded<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (thrown) {
    if (!messageOf(thrown).includes('@platformatic/kafka')) throw thrown
    throw new MillraceError('missing-dependency', 'the package @platformatic/kafka is not there', {
      hint: 'install it: npm install @platformatic/kafka',
    })
  }
}

const mechanisms = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const

/** Options in the address, and what the code expects of each. */
const known: readonly string[] = [
  'tls',
  'ca',
  'sasl',
  'username',
  'client-id',
  'instance-id',
  'compression',
  'out-of-range',
  'membership',
  'session-timeout-ms',
  'transaction-timeout-ms',
]

/**
 * `kafka://host:port,host:port?option=value&…`. Secrets come from the environment alone:
 * MILLRACE_KAFKA_PASSWORD, MILLRACE_KAFKA_TOKEN, MILLRACE_KAFKA_KEY (a file).
 * @throws `invalid-argument`
 */
export function openKafkaUrl(text: string): Promise<Log> {
  return openKafka(optionsOf(text, process.env))
}

type Environment = Readonly<Record<string, string | undefined>>

/** Never says what stands in the address before an `@`: that may be a password. */
export function optionsOf(text: string, environment: Environment): KafkaLogOptions {
  const [, address = '', query = ''] = /^kafka:\/\/([^/?]*)\/?(?:\?(.*))?$/s.exec(text) ?? []
  if (address.includes('@') || /(?:^|&)(?:password|token)=/.test(query)) {
    throw new MillraceError('invalid-argument', 'the address of Kafka has a password in it', {
      hint: 'addresses end up in logs: give it as MILLRACE_KAFKA_PASSWORD, with ?username=…',
    })
  }
  const brokers = address.split(',').filter((broker) => broker !== '')
  if (brokers.length === 0) {
    throw new MillraceError('invalid-argument', 'the address of Kafka names no broker', {
      hint: 'write kafka://127.0.0.1:9092',
    })
  }
  const given = new Map(new URLSearchParams(query))
  const wrong = [...given.keys()].find((name) => !known.includes(name))
  if (wrong !== undefined) {
    throw new MillraceError('invalid-argument', `Kafka has no option '${wrong}'`, {
      hint: `there are ${known.join(', ')}`,
    })
  }
  const number = (name: string): number | undefined => {
    const value = given.get(name)
    if (value === undefined) return undefined
    if (/^\d{1,9}$/.test(value)) return Number(value)
    throw new MillraceError('invalid-argument', `${name} cannot be '${value}'`, {
      hint: 'give whole milliseconds',
    })
  }
  const tls = tlsOf(given, environment)
  const sasl = saslOf(given, environment)
  return defined({
    brokers,
    tls,
    sasl,
    clientId: given.get('client-id'),
    instanceId: given.get('instance-id') ?? environment['MILLRACE_INSTANCE_ID'],
    compression: oneOf(given, 'compression', ['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    outOfRange: oneOf(given, 'out-of-range', ['earliest', 'latest', 'stop']),
    membership: oneOf(given, 'membership', ['classic', 'streams']),
    sessionTimeoutMs: number('session-timeout-ms'),
    transactionTimeoutMs: number('transaction-timeout-ms'),
  })
}

type Given = { readonly [K in keyof KafkaLogOptions]: KafkaLogOptions[K] | undefined }

/** Without what was not given. */
function defined(options: Given & Pick<KafkaLogOptions, 'brokers'>): KafkaLogOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as unknown as KafkaLogOptions
}

function oneOf<T extends string>(
  given: ReadonlyMap<string, string>,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const value = given.get(name)
  if (value === undefined) return undefined
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  throw new MillraceError('invalid-argument', `${name} cannot be '${value}'`, {
    hint: `use ${allowed.join(', ')}`,
  })
}

function tlsOf(
  given: ReadonlyMap<string, string>,
  environment: Environment,
): KafkaLogOptions['tls'] {
  const file = (name: string, path: string | undefined): Record<string, string> => {
    if (path === undefined || path === '') return {}
    try {
      return { [name]: readFileSync(path, 'utf8') }
    } catch (thrown) {
      throw new MillraceError('file-not-found', `cannot read ${path}: ${messageOf(thrown)}`, {
        at: { file: path },
      })
    }
  }
  const options = {
    ...file('ca', given.get('ca') ?? environment['MILLRACE_KAFKA_CA']),
    ...file('cert', environment['MILLRACE_KAFKA_CERT']),
    ...file('key', environment['MILLRACE_KAFKA_KEY']),
  }
  const isAsked = given.get('tls') === 'true' || Object.keys(options).length > 0
  return isAsked ? options : undefined
}

function saslOf(
  given: ReadonlyMap<string, string>,
  environment: Environment,
): KafkaLogOptions['sasl'] {
  const name = oneOf(given, 'sasl', ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])
  if (name === undefined) return undefined
  const mechanism = mechanisms[name]
  const need = (variable: string): string => {
    const value = environment[variable]
    if (value !== undefined && value !== '') return value
    throw new MillraceError('invalid-argument', `sasl=${name} needs ${variable}`, {
      hint: 'set it in the environment',
    })
  }
  if (name === 'oauthbearer') return { mechanism, token: need('MILLRACE_KAFKA_TOKEN') }
  const username = given.get('username') ?? need('MILLRACE_KAFKA_USERNAME')
  return { mechanism, username, password: need('MILLRACE_KAFKA_PASSWORD') }
}
