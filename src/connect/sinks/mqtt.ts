/** Publishes records to an MQTT broker; one is delivered when the broker has acknowledged it. */
import type { MqttClient } from 'mqtt'
import { messageOf, MillraceError } from '../../core/error.ts'
import { checkSinkName } from '../../pipeline/sink-spec.ts'
import { deliveryOptionNames, deliverySpec } from '../delivery/delivery-options.ts'
import { checkOptionNames } from '../option-names.ts'
import type { DeliveryOptions } from '../delivery/delivery-options.ts'
import { connectMqtt } from '../mqtt/connect-mqtt.ts'
import { brokerOf, brokerOptionNames, refusedOption } from '../mqtt/mqtt-options.ts'
import type { MqttBroker, MqttBrokerOptions } from '../mqtt/mqtt-options.ts'
import { Permits } from '../mqtt/permits.ts'
import type { Attempt, DeliveringSink, SinkConnection, SinkContext, SinkRecord } from '../sink.ts'

export interface MqttSinkOptions<V, K> extends MqttBrokerOptions, DeliveryOptions {
  /** Where to, of each record: no wildcards. Where the function throws, the record is refused. */
  readonly topic: string | ((value: V, key: K) => string)
  /** Of the sink, unique in its pipeline. Default `'mqtt'`. */
  readonly name?: string
  /** 1 (default): delivered when the broker says so. 0: when it was sent; perhaps it never came. */
  readonly qos?: 0 | 1
  /** Whether the broker keeps the newest of each topic for whoever subscribes. Default false. */
  readonly retain?: boolean
  /** What is sent. Default: text and bytes as they are, anything else as JSON. */
  readonly payload?: (value: V, key: K) => string | Uint8Array
  /** No other program's on this broker. Default: one by chance at each connection. */
  readonly clientId?: string
}

interface Spec<V, K> {
  readonly name: string
  readonly broker: MqttBroker
  readonly topic: (value: V, key: K) => string
  readonly payload: (value: V, key: K) => string | Uint8Array
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly clientId: string | null
}

/** Not acknowledged at a time, where the broker allows as many. */
const inFlightMax = 1_000
/** MQTT 5, 2.4: what another try would not change. */
const refusals: ReadonlySet<unknown> = new Set([0x87, 0x90, 0x95, 0x99, 0x9a, 0x9b])
const closeMsMax = 1_000

/**
 * A sink that publishes each record: at least once, those of a key in order. With MQTT 5 a message
 * has the user property `idempotency-key`, by which a subscriber knows one that comes twice. A
 * broker that speaks MQTT 3.1.1 acknowledges what it lets go for want of permission, too. Needs the
 * package `mqtt`.
 * @throws `invalid-argument` · `invalid-duration`; when it is opened `missing-dependency`
 * @example
 * const alarms = mqtt({
 *   url: 'mqtt://127.0.0.1:1883',
 *   topic: (alarm: { device: string }) => `alarms/${alarm.device}`,
 *   retain: true,
 * })
 */
export function mqtt<V, K = unknown>(options: MqttSinkOptions<V, K>): DeliveringSink<V, K> {
  const { name = 'mqtt', keep = false } = options
  checkSinkName(name)
  checkOptionNames(`sink '${name}'`, options, optionNames)
  const spec = specOf(name, options)
  return {
    kind: 'sink',
    guarantee: 'at-least-once',
    name,
    type: 'mqtt',
    codec: null,
    keep,
    // One by one: brokers close the connection over a record that they dislike, and then only it
    // is in doubt. Tries are answered in one round trip, so many go on at a time.
    delivery: deliverySpec(name, options, { batch: 1, order: 'key', concurrency: 64 }),
    open: (context) => open(spec, context),
  }
}

async function open<V, K>(spec: Spec<V, K>, context: SinkContext): Promise<SinkConnection<V, K>> {
  const { broker, name } = spec
  const byChance = `millrace-${Math.floor(context.random.next() * 2 ** 48).toString(36)}`
  const { client, connack } = await connectMqtt(broker, {
    clientId: spec.clientId ?? byChance,
    clean: true,
    signal: context.signal,
    failed: (why, cause) => away(name, broker, why, cause),
  })
  const { receiveMaximum = inFlightMax, maximumPacketSize } = connack.properties ?? {}
  return new Publisher(spec, {
    client,
    context,
    inFlight: Math.min(receiveMaximum, inFlightMax),
    packetBytesMax: maximumPacketSize ?? Number.POSITIVE_INFINITY,
  })
}

interface Opened {
  readonly client: MqttClient
  readonly context: SinkContext
  readonly inFlight: number
  readonly packetBytesMax: number
}

class Publisher<V, K> implements SinkConnection<V, K> {
  readonly #spec: Spec<V, K>
  readonly #opened: Opened
  readonly #permits: Permits
  /** Rejects when the connection is lost: the package leaves what waits for a PUBACK open then. */
  readonly #lost = Promise.withResolvers<never>()

  constructor(spec: Spec<V, K>, opened: Opened) {
    this.#spec = spec
    this.#opened = opened
    this.#permits = new Permits(opened.inFlight)
    const lose = (why: string): void => this.#lost.reject(away(spec.name, spec.broker, why, null))
    this.#lost.promise.catch(() => {}) // it may be lost while nothing is sent
    opened.client.on('close', () => lose('the connection was closed'))
    opened.client.on('disconnect', ({ reasonCode }) => lose(`it ended the session (${reasonCode})`))
    opened.client.on('error', (error) => lose(messageOf(error)))
  }

  async deliver(records: readonly SinkRecord<V, K>[], { signal }: Attempt): Promise<void> {
    // All of them can be made before any is sent.
    const messages = records.map((record) => this.#messageOf(record))
    const sent = messages.map((message) => this.#publish(message, signal))
    const all = Promise.all(sent)
    all.catch(() => {})
    await Promise.race([all, this.#lost.promise, fired(signal)])
  }

  async close(): Promise<void> {
    const { client, context } = this.#opened
    let cancel = (): void => {}
    await new Promise<void>((resolve) => {
      client.end(false, () => resolve())
      cancel = context.clock.after(closeMsMax, resolve)
    })
    cancel()
    client.end(true)
  }

  #messageOf({ id, key, value }: SinkRecord<V, K>): Message {
    const { name } = this.#spec
    let topic: string
    let payload: string | Uint8Array
    try {
      topic = this.#spec.topic(value, key)
      payload = this.#spec.payload(value, key)
    } catch (thrown) {
      throw refused(name, `no message can be made of it: ${messageOf(thrown)}`, thrown)
    }
    if (!isTopic(topic)) throw refused(name, 'its topic is empty, too long or has a wildcard', null)
    const bytes = Buffer.from(payload as Uint8Array)
    const { packetBytesMax } = this.#opened
    if (bytes.length + topic.length + id.length + 64 > packetBytesMax)
      throw refused(name, `the broker takes no more than ${packetBytesMax} bytes`, null)
    return { id, topic, bytes }
  }

  async #publish({ id, topic, bytes }: Message, signal: AbortSignal): Promise<void> {
    const { name, broker, qos, retain } = this.#spec
    await this.#permits.take(signal)
    try {
      await this.#opened.client.publishAsync(topic, bytes, {
        qos,
        retain,
        ...(broker.version === 5 ? { properties: { userProperties: { [idProperty]: id } } } : {}),
      })
    } catch (thrown) {
      throw publishError(name, thrown)
    } finally {
      this.#permits.give()
    }
  }
}

/** Rejects when it fires. [K4] */
function fired(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

interface Message {
  readonly id: string
  readonly topic: string
  readonly bytes: Buffer
}

const idProperty = 'idempotency-key'

/** What the package said of a message, as delivery understands it. */
export function publishError(sink: string, thrown: unknown): unknown {
  const code = (thrown as { code?: unknown } | null)?.code
  const text = messageOf(thrown)
  if (refusals.has(code)) return refused(sink, text, thrown)
  // Quota exceeded, server busy, message rate too high: later.
  if (code === 0x97 || code === 0x89 || code === 0x96)
    return new MillraceError('sink-unavailable', `sink ${sink}: ${text}`, { cause: thrown })
  return thrown
}

function away(sink: string, { url }: MqttBroker, why: string, cause: unknown): MillraceError {
  const text = `sink ${sink}: the broker ${new URL(url).host}: ${why}`
  return new MillraceError('sink-unavailable', text, {
    outcome: 'unknown',
    ...(cause === null ? {} : { cause }),
  })
}

function refused(sink: string, why: string, cause: unknown): MillraceError {
  const details = cause === null ? {} : { cause }
  return new MillraceError('sink-refused', `sink ${sink}: ${why}`, details)
}

/** MQTT 5, 4.7.3. */
function isTopic(topic: unknown): topic is string {
  if (typeof topic !== 'string' || topic === '' || /[+#\0]/.test(topic)) return false
  return Buffer.byteLength(topic) <= 65_535
}

function asPayload(value: unknown): string | Uint8Array {
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  if (value === null) return '' // what takes a retained message away
  return JSON.stringify(value)
}

function specOf<V, K>(name: string, options: MqttSinkOptions<V, K>): Spec<V, K> {
  const { topic, payload = asPayload, qos = 1, retain = false, clientId = null } = options
  const who = `sink '${name}'`
  if (typeof topic !== 'function' && !isTopic(topic))
    throw refusedOption(who, 'topic', topic, 'a topic without wildcards, or a function of a record')
  if (typeof payload !== 'function')
    throw refusedOption(who, 'payload', payload, 'a function of a record')
  if (qos !== 0 && qos !== 1) throw refusedOption(who, 'qos', qos, '0 or 1')
  if (typeof retain !== 'boolean') throw refusedOption(who, 'retain', retain, 'true or false')
  if (clientId !== null && (typeof clientId !== 'string' || !/^[^\0]{1,200}$/.test(clientId)))
    throw refusedOption(who, 'clientId', clientId, '1 to 200 characters')
  return {
    name,
    broker: brokerOf(who, options),
    topic: typeof topic === 'function' ? topic : () => topic,
    payload,
    qos,
    retain,
    clientId,
  }
}

const optionNames: readonly string[] = [
  ...brokerOptionNames,
  ...deliveryOptionNames,
  'name',
  'topic',
  'qos',
  'retain',
  'payload',
  'clientId',
]
