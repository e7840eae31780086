/**
 * What a broker sends to a subscriber, and the acknowledging of it.
 *
 * The client of the package `mqtt` acknowledges a message (PUBACK) when `handleMessage` calls back
 * without an error, and handles the next one only then: one message, one commit. So it is called
 * back at once, with an error, by which the client sends no PUBACK (build/lib/handlers/publish.js);
 * the PUBACK is written here, on the client's stream, when `acknowledge` says so. The call is held
 * back only where enough is held: then the stream is not read any more, and TCP slows the broker.
 * `test/servers/mqtt.server.test.ts` looks at the packets of a real broker.
 */
import type { IPublishPacket, MqttClient } from 'mqtt'
import type { Clock } from '../../core/clock.ts'
import { messageOf, MillraceError } from '../../core/error.ts'
import { connectMqtt } from './connect-mqtt.ts'
import type { MqttBroker } from './mqtt-options.ts'

/** A message as it came. */
export interface MqttPublish {
  readonly topic: string
  readonly payload: Uint8Array
  /** As it was sent to us. */
  readonly qos: 0 | 1 | 2
  /** It was kept by the broker for whoever subscribes. */
  readonly retain: boolean
  /** The broker has sent it before, perhaps to us. */
  readonly duplicate: boolean
  /** Of MQTT 5. */
  readonly contentType?: string
  /** Of MQTT 5. A name may have several values. */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
}

export interface Received {
  readonly message: MqttPublish
  /** 0: there is nothing to acknowledge. */
  readonly packetId: number
}

export interface SubscriptionOptions {
  readonly broker: MqttBroker
  readonly source: string
  readonly clientId: string
  readonly topics: readonly string[]
  /** Topics that the session may still have, and that are not wanted any more. */
  readonly dropped: readonly string[]
  readonly qos: 0 | 1
  /** Most messages that are held or not acknowledged. */
  readonly receiveMaximum: number
  readonly bytesMax: number
  readonly sessionExpirySeconds: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** What a source needs of a broker. */
export interface MqttSubscription {
  /** Resolves when something can be taken or the signal fires. @throws `source-failed` */
  wait(signal: AbortSignal): Promise<void>
  /** In the order in which they came; each once. */
  take(countMax: number): Received[]
  /** Tells the broker that these will not be needed again. In the order of `take`. */
  acknowledge(received: readonly Received[]): void
  /** What was acknowledged is on its way to the broker when it resolves. */
  close(): Promise<void>
}

/** A longer packet ends the connection, or is withheld by a broker that knows MQTT 5. */
export const packetBytesMax = 16 << 20
/** What is read from a socket at once, at most. */
const chunkBytesMax = 1 << 20
const closeMsMax = 1_000

/** @throws `source-failed` · `missing-dependency` · what `secret` throws */
export async function openSubscription(options: SubscriptionOptions): Promise<MqttSubscription> {
  const { broker, clientId, signal, receiveMaximum, sessionExpirySeconds } = options
  const inbox = new Inbox(options)
  const { client, connack } = await connectMqtt(broker, {
    clientId,
    clean: options.qos === 0,
    properties: {
      receiveMaximum,
      maximumPacketSize: packetBytesMax,
      ...(options.qos === 0 ? {} : { sessionExpiryInterval: sessionExpirySeconds }),
    },
    prepare: (made) => inbox.listen(made),
    signal,
    failed: (why, cause) => failure(options, why, cause),
  })
  // The answer comes behind the messages that the session has already, perhaps more than are held
  // at a time: it cannot be waited for before these are taken.
  const subscribed = subscribe(client, options, connack.sessionPresent)
  subscribed.catch((thrown: unknown) => inbox.fail(thrown))
  return inbox
}

async function subscribe(
  client: MqttClient,
  options: SubscriptionOptions,
  isSession: boolean,
): Promise<void> {
  const { topics, dropped, qos } = options
  if (isSession && dropped.length > 0)
    await whileOpen(client, client.unsubscribeAsync([...dropped]))
  // rh 1: what is retained is sent where the subscription is new, not at each reconnection.
  const granted = await whileOpen(client, client.subscribeAsync([...topics], { qos, rh: 1 }))
  for (const one of granted) {
    if (one.qos >= 128) throw failure(options, `it refuses a subscription to '${one.topic}'`)
    if (one.qos < qos)
      throw failure(options, `it gives '${one.topic}' with QoS ${one.qos} only, not ${qos}`)
  }
}

/** The package leaves some promises open when the connection is lost. */
async function whileOpen<T>(client: MqttClient, work: Promise<T>): Promise<T> {
  const closed = Promise.withResolvers<never>()
  const onClose = (): void => closed.reject(new Error('the connection was closed'))
  client.once('close', onClose)
  try {
    return await Promise.race([work, closed.promise])
  } finally {
    client.removeListener('close', onClose)
    work.catch(() => {})
  }
}

function failure({ source, broker }: SubscriptionOptions, why: string, cause?: unknown) {
  const { host } = new URL(broker.url)
  const text = `source ${source}: the broker ${host}: ${why}`
  return new MillraceError('source-failed', text, { cause: cause ?? undefined })
}

class Inbox implements MqttSubscription {
  readonly #options: SubscriptionOptions
  #client: MqttClient | null = null
  #waiting: Received[] = []
  /** Of messages that are not acknowledged, those taken included. */
  #heldCount = 0
  #heldBytes = 0
  #heldBack: (() => void) | null = null
  #failure: MillraceError | null = null
  #ring: () => void = () => {}
  /** Since the last packet that was whole. */
  #openBytes = 0

  constructor(options: SubscriptionOptions) {
    this.#options = options
  }

  listen(client: MqttClient): void {
    this.#client = client
    client.handleMessage = (packet, callback) => this.#receive(packet, callback)
    client.on('error', (error) => this.fail(error))
    client.on('close', () => this.#lost('the connection was closed'))
    client.on('disconnect', ({ reasonCode }) => this.#lost(`it ended the session (${reasonCode})`))
    client.on('packetreceive', () => {
      this.#openBytes = 0
    })
    client.stream.on('data', (chunk: Uint8Array) => {
      this.#openBytes += chunk.length
      if (this.#openBytes <= packetBytesMax + chunkBytesMax) return
      this.#lost(`it sends a message of more than ${packetBytesMax} bytes`)
      client.end(true)
    })
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length === 0 && this.#failure === null && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          signal.removeEventListener('abort', end)
          resolve()
        }
        this.#ring = end
        signal.addEventListener('abort', end)
      })
    }
    if (this.#failure === null || signal.aborted) return
    // With QoS 0 what has come will not come again; with QoS 1 it will.
    if (this.#waiting.length === 0 || this.#options.qos === 1) throw this.#failure
  }

  take(countMax: number): Received[] {
    return this.#waiting.splice(0, countMax)
  }

  acknowledge(received: readonly Received[]): void {
    const ids = received.map(({ packetId }) => packetId).filter((id) => id !== 0)
    const packets = new Uint8Array(ids.length * 4)
    for (const [i, id] of ids.entries()) packets.set([0x40, 2, id >> 8, id & 0xff], i * 4)
    const stream = this.#client?.stream
    if (ids.length > 0 && stream?.writable === true && this.#failure === null) stream.write(packets)
    this.#heldCount -= received.length
    for (const { message } of received) this.#heldBytes -= bytesOf(message)
    this.#readOn()
  }

  async close(): Promise<void> {
    const client = this.#client
    if (client === null) return
    this.#ring()
    this.#heldBack = null
    if (this.#failure !== null || !client.connected) {
      client.end(true)
      return
    }
    this.#failure = failure(this.#options, 'closed')
    let cancel = (): void => {}
    await new Promise<void>((resolve) => {
      client.end(false, () => resolve())
      cancel = this.#options.clock.after(closeMsMax, resolve)
    })
    cancel()
    client.end(true)
  }

  /** `callback` with an error: no PUBACK is sent, and the next packet is handled. */
  #receive(packet: IPublishPacket, callback: (error?: Error) => void): void {
    const message = messageFrom(packet)
    this.#waiting.push({ message, packetId: packet.qos === 1 ? (packet.messageId ?? 0) : 0 })
    this.#heldCount += 1
    this.#heldBytes += bytesOf(message)
    this.#heldBack = () => callback(notYet)
    this.#readOn()
    this.#ring()
  }

  #readOn(): void {
    const { receiveMaximum, bytesMax } = this.#options
    // One more than the broker may send: with QoS 1 and MQTT 5 the stream is never held back by it.
    if (this.#heldCount > receiveMaximum || this.#heldBytes > bytesMax) return
    const goOn = this.#heldBack
    this.#heldBack = null
    goOn?.()
  }

  fail(thrown: unknown): void {
    this.#failure ??=
      thrown instanceof MillraceError ? thrown : failure(this.#options, messageOf(thrown), thrown)
    this.#ring()
  }

  #lost(why: string): void {
    this.fail(failure(this.#options, why))
  }
}

const notYet = new Error('acknowledged after the commit')

function messageFrom(packet: IPublishPacket): MqttPublish {
  const { topic, payload, qos, retain, dup, properties } = packet
  return {
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    qos,
    retain,
    duplicate: dup,
    ...(properties?.contentType === undefined ? {} : { contentType: properties.contentType }),
    ...(properties?.userProperties === undefined
      ? {}
      : { userProperties: { ...properties.userProperties } }),
  }
}

/** For the objects around it. */
const overheadBytes = 200

function bytesOf({ topic, payload }: MqttPublish): number {
  return overheadBytes + topic.length + payload.length
}
