/** Kafka as a process chooses it: by options, or by an address with its settings from outside. */
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { MillraceError, messageOf } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import type { KafkaLogOptions } from '../log/kafka/kafka-log-options.ts'
import { parseKafkaUrl, securityFromEnvironment } from '../log/kafka/wire/kafka-url.ts'
import { kafkaNotice } from './kafka-notice.ts'
import type { LogOpener, LogUse } from './log-name.ts'

/**
 * Apache Kafka as the log of a run. Needs the package `@platformatic/kafka`.
 * @example
 * const log = kafka({ brokers: ['127.0.0.1:9092'] })
 */
export function kafka(options: KafkaLogOptions): LogOpener {
  return { openLog: (use) => openKafka(options, use) }
}

async function openKafka(options: KafkaLogOptions, { data, tell }: LogUse = {}): Promise<Log> {
  const { openKafkaLog } = await loaded(() => import('../log/kafka/kafka-log.ts'))
  const stateDirectory = data === undefined ? null : writableIn(data)
  const all = { stateDirectory, ...options }
  if (tell === undefined) return await openKafkaLog(all)
  return await openKafkaLog({
    ...all,
    notify: (event) => {
      tell(kafkaNotice(event))
      options.notify?.(event)
    },
  })
}

/** Copies of state are not needed: where nothing can be written there are none. */
function writableIn(data: string): string | null {
  let parent = data
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent)
  try {
    accessSync(parent, constants.W_OK)
    return join(data, 'kafka')
  } catch {
    return null
  }
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

/** Options in the address beside those of the connection, and what the code expects of each. */
const known: readonly string[] = [
  'client-id',
  'instance-id',
  'guarantee',
  'compression',
  'out-of-range',
  'membership',
  'state-directory',
  'standbys',
  'session-timeout-ms',
  'transaction-timeout-ms',
]

/**
 * `kafka://host:port,host:port?option=value&…`. Secrets come from the environment alone:
 * MILLRACE_KAFKA_PASSWORD, MILLRACE_KAFKA_TOKEN, MILLRACE_KAFKA_KEY, MILLRACE_KAFKA_PASSPHRASE.
 * @throws `invalid-argument`
 */
export function openKafkaUrl(text: string, use: LogUse): Promise<Log> {
  return openKafka(optionsOf(text, process.env), use)
}

type Environment = Readonly<Record<string, string | undefined>>

export function optionsOf(text: string, environment: Environment): KafkaLogOptions {
  const { brokers, settings: given, ...chosen } = parseKafkaUrl(text, known)
  const number = (name: string): number | undefined => {
    const value = given.get(name)
    if (value === undefined) return undefined
    if (/^\d{1,9}$/.test(value)) return Number(value)
    throw new MillraceError('invalid-argument', `${name} cannot be '${value}'`, {
      hint: 'give a whole number',
    })
  }
  const { tls, sasl } = securityFromEnvironment(environment, chosen)
  return defined({
    brokers,
    tls,
    sasl,
    clientId: given.get('client-id'),
    instanceId: given.get('instance-id') ?? environment['MILLRACE_INSTANCE_ID'],
    guarantee: oneOf(given, 'guarantee', ['exactly-once', 'at-least-once']),
    compression: oneOf(given, 'compression', ['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    outOfRange: oneOf(given, 'out-of-range', ['earliest', 'latest', 'stop']),
    membership: oneOf(given, 'membership', ['classic', 'streams']),
    stateDirectory: directoryOf(given.get('state-directory')),
    standbys: number('standbys'),
    sessionTimeoutMs: number('session-timeout-ms'),
    transactionTimeoutMs: number('transaction-timeout-ms'),
  })
}

function directoryOf(text: string | undefined): string | null | undefined {
  if (text === undefined) return undefined
  return text === 'none' ? null : resolve(text)
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
