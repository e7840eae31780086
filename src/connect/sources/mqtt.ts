/**
 * Messages of an MQTT broker as records: the payload is the value, the topic the key.
 *
 * With QoS 1 a message is acknowledged when its record is committed, and the broker keeps the
 * session while nobody is connected: nothing is lost, also under `kill -9`. What was committed and
 * not yet acknowledged then comes again; `id` and `from(source, { dedupe })` leave it out.
 */
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import type { MillraceError } from '../../core/error.ts'
import { checkSourceName } from '../../pipeline/source-start.ts'
import { brokerOf, brokerOptionNames, refusedOption } from '../mqtt/mqtt-options.ts'
import type { MqttBroker, MqttBrokerOptions } from '../mqtt/mqtt-options.ts'
import { openSubscription } from '../mqtt/subscription.ts'
import type {
  MqttPublish,
  MqttSubscription,
  Received,
  SubscriptionOptions,
} from '../mqtt/subscription.ts'
import { checkOptionNames } from '../option-names.ts'
import { mapped, oversize } from '../record-mapping.ts'
import type { RecordMapping } from '../record-mapping.ts'
import type { Source, SourceBatch, SourceContext, SourceRecord } from '../source.ts'

export interface MqttSourceOptions extends MqttBrokerOptions {
  /** Topic filters, `+` and `#` allowed; `$share/group/filter` shares them among subscribers. */
  readonly topics: string | readonly string[]
  /**
   * The session at the broker belongs to it: stable, and no other program's on this broker. 1 to
   * 200 characters.
   */
  readonly clientId: string
  /** Of the source, unique on the log. Default `'mqtt'`. */
  readonly name?: string
  /**
   * 1 (default): every message at least once. 0: at most once, as the broker keeps nothing. A
   * message that was published with less comes with less.
   */
  readonly qos?: 0 | 1
  /**
   * Default: the topic. `null`: no key. Where one of the functions `key`, `time` and `id` throws,
   * its default stands in: the record is then for the topic's own decoding to judge.
   */
  readonly key?: (message: MqttPublish) => string | Uint8Array | null
  /** When it happened, ms since 1970. Default: when it came. */
  readonly time?: (message: MqttPublish) => number
  /** The same when the broker sends a message again, and no other message's. Default: none. */
  readonly id?: (message: MqttPublish) => string | undefined
  /** Most messages that are not acknowledged at a time. 1 to 10,000. Default 1000. */
  readonly receiveMaximum?: number
  /** A larger message becomes no record: acknowledged, told and counted. Default 1,000,000. */
  readonly payloadBytesMax?: number
  /** How long the broker keeps the session while nobody is connected (MQTT 5). Default `'7d'`. */
  readonly sessionExpiry?: Duration
}

/** How many messages were committed, and what the session was subscribed to. */
export interface MqttPosition {
  readonly messages: number
  readonly topics: readonly string[]
}

type Subscribe = (options: SubscriptionOptions) => Promise<MqttSubscription>

interface MqttSpec extends Required<
  Pick<MqttSourceOptions, 'clientId' | 'name' | 'qos' | 'receiveMaximum' | 'payloadBytesMax'>
> {
  readonly broker: MqttBroker
  readonly topics: readonly string[]
  readonly sessionExpirySeconds: number
  readonly mapping: RecordMapping<MqttPublish>
}

/** Of messages that are held, beside their number. */
const heldBytesMax = 16 << 20
const sessionExpirySecondsMax = 0xffffffff
const payloadBytesMaxMax = 8 << 20

/**
 * A source of the messages that a broker has for a client. Not replayable: what was published while
 * the broker had no session of this client is gone. Needs the package `mqtt`.
 * @throws `invalid-argument` · `invalid-duration`; when it is opened `missing-dependency`
 * @example
 * const readings = topic('readings')
 * const source = mqttSource({
 *   url: 'mqtt://127.0.0.1:1883',
 *   topics: 'sensors/+/reading',
 *   clientId: 'millrace-readings',
 * })
 * const whole = pipeline('plant', from(source).to(readings), from(readings).print())
 */
export function mqttSource(options: MqttSourceOptions): Source<MqttPosition> {
  return mqttSourceOn(options, openSubscription)
}

/** The same on another way to subscribe, for tests. */
export function mqttSourceOn(
  options: MqttSourceOptions,
  subscribe: Subscribe,
): Source<MqttPosition> {
  const spec = specOf(options)
  return {
    kind: 'source',
    name: spec.name,
    type: 'mqtt',
    replayable: false,
    open: (position, context) => batches({ spec, subscribe, position, context }),
  }
}

interface Opening {
  readonly spec: MqttSpec
  readonly subscribe: Subscribe
  readonly position: MqttPosition | null
  readonly context: SourceContext
}

async function* batches(opening: Opening): AsyncGenerator<SourceBatch<MqttPosition>, void> {
  const { spec, subscribe, position, context } = opening
  const { signal, clock } = context
  if (signal.aborted) return
  const { topics } = spec
  const before = position?.topics ?? []
  const subscription = await opened(signal, () =>
    subscribe({
      ...spec,
      source: spec.name,
      dropped: before.filter((topic) => !topics.includes(topic)),
      bytesMax: heldBytesMax,
      clock,
      signal,
    }),
  )
  if (subscription === null) return
  let messages = position?.messages ?? 0
  try {
    while (!signal.aborted) {
      await subscription.wait(signal)
      if (signal.aborted) return
      const received = subscription.take(spec.receiveMaximum)
      if (received.length === 0) continue
      messages += received.length
      yield { ...recordsOf(received, spec, clock.now()), position: { messages, topics } }
      // Asked for the next batch: this one is committed.
      subscription.acknowledge(received)
    }
  } finally {
    await subscription.close()
  }
}

/** null: it ended before it was opened. */
async function opened<T>(signal: AbortSignal, open: () => Promise<T>): Promise<T | null> {
  try {
    return await open()
  } catch (thrown) {
    if (signal.aborted) return null
    throw thrown
  }
}

function recordsOf(
  received: readonly Received[],
  spec: MqttSpec,
  nowMs: number,
): Pick<SourceBatch<MqttPosition>, 'records' | 'refused'> {
  const records: SourceRecord[] = []
  const refused: MillraceError[] = []
  const limit = { source: spec.name, payloadBytesMax: spec.payloadBytesMax }
  for (const { message } of received) {
    const { topic, payload } = message
    const record = mapped({ message, value: payload, key: topic, time: nowMs }, spec.mapping)
    const fault = oversize(record, `a message on '${topic.slice(0, 100)}'`, limit)
    if (fault === null) records.push(record)
    else refused.push(fault)
  }
  return { records, refused }
}

function specOf(options: MqttSourceOptions): MqttSpec {
  const { name = 'mqtt', qos = 1, receiveMaximum = 1_000, payloadBytesMax = 1_000_000 } = options
  const { key, time, id, clientId, sessionExpiry = '7d' } = options
  checkSourceName(name)
  const who = `source '${name}'`
  checkOptionNames(who, options, [...brokerOptionNames, ...ownNames])
  const broker = brokerOf(who, options)
  const topics = typeof options.topics === 'string' ? [options.topics] : [...(options.topics ?? [])]
  if (topics.length === 0 || !topics.every(isFilter))
    throw refusedOption(who, 'topics', topics.join(', '), "filters like 'sensors/+/reading'")
  if (typeof clientId !== 'string' || !/^[^\0]{1,200}$/.test(clientId))
    throw refusedOption(who, 'clientId', clientId, 'a stable name of 1 to 200 characters')
  if (qos !== 0 && qos !== 1)
    throw refusedOption(who, 'qos', qos, '0 or 1: messages of QoS 2 are sent with QoS 1 then')
  checkCount(who, 'receiveMaximum', receiveMaximum, 10_000)
  checkCount(who, 'payloadBytesMax', payloadBytesMax, payloadBytesMaxMax)
  for (const [option, fn] of Object.entries({ key, time, id }))
    if (fn !== undefined && typeof fn !== 'function')
      throw refusedOption(who, option, typeof fn, 'a function of the message')
  const expiry = Math.ceil(durationMs(sessionExpiry, 'sessionExpiry') / 1_000)
  const sessionExpirySeconds = Math.min(expiry, sessionExpirySecondsMax)
  return {
    name,
    clientId,
    qos,
    receiveMaximum,
    payloadBytesMax,
    broker,
    topics,
    mapping: { key, time, id },
    sessionExpirySeconds,
  }
}

/** MQTT 5, 4.7: `#` is last, and `+` stands for a whole level. */
function isFilter(filter: unknown): boolean {
  if (typeof filter !== 'string' || filter === '' || Buffer.byteLength(filter) > 65_535)
    return false
  const levels = filter.split('/')
  return levels.every(
    (level, i) =>
      !level.includes('\0') &&
      (level === '+' || !level.includes('+')) &&
      (level === '#' ? i === levels.length - 1 : !level.includes('#')),
  )
}

function checkCount(who: string, option: string, value: unknown, most: number): void {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return
  throw refusedOption(who, option, value, `a whole number from 1 to ${most}`)
}

const ownNames = [
  'topics',
  'clientId',
  'name',
  'qos',
  'key',
  'time',
  'id',
  'receiveMaximum',
  'payloadBytesMax',
  'sessionExpiry',
] as const satisfies readonly (keyof MqttSourceOptions)[]
