/** Opens a connection to a broker. The only file that loads the package `mqtt`. */
import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt'
import { messageOf, MillraceError } from '../../core/error.ts'
import { secret } from '../secret.ts'
import type { MqttBroker } from './mqtt-options.ts'

export interface MqttConnection {
  readonly client: MqttClient
  readonly connack: IConnackPacket
}

export interface ConnectOptions {
  readonly clientId: string
  /** Whether the broker forgets what it had of this client. */
  readonly clean: boolean
  readonly properties?: NonNullable<IClientOptions['properties']>
  /** Called before the first packet can come. */
  readonly prepare?: (client: MqttClient) => void
  readonly signal: AbortSignal
  /** What is thrown where no connection comes about. */
  readonly failed: (why: string, cause: unknown) => MillraceError
}

/**
 * Waits until the broker has accepted. The connection is never made anew by itself: whoever uses it
 * opens another one.
 * @throws `missing-dependency` · what `failed` makes · what `secret` throws
 */
export async function connectMqtt(
  broker: MqttBroker,
  options: ConnectOptions,
): Promise<MqttConnection> {
  const { connect } = await loaded(() => import('mqtt'))
  const { signal, failed, clientId, clean, properties, prepare } = options
  const { tls } = broker
  const client = connect(broker.url, {
    clientId,
    clean,
    protocolVersion: broker.version,
    ...(broker.username === null ? {} : { username: broker.username }),
    ...(broker.password === null ? {} : { password: await secret(broker.password) }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: await secret(tls.key) }),
    keepalive: broker.keepAliveSeconds,
    connectTimeout: broker.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(broker.version === 5 && properties !== undefined ? { properties } : {}),
  })
  prepare?.(client)
  const accepted = Promise.withResolvers<IConnackPacket>()
  const onAbort = (): void => accepted.reject(failed('it was given up', signal.reason))
  client.on('error', (error) => accepted.reject(failed(messageOf(error), error)))
  client.on('close', () => accepted.reject(failed('the connection was closed', null)))
  client.on('connect', (connack) => accepted.resolve(connack))
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return { client, connack: await accepted.promise }
  } catch (thrown) {
    client.end(true)
    throw thrown
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Only who uses MQTT needs its package. @throws `missing-dependency` */
export async function loaded<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (thrown) {
    if (!/'mqtt'/.test(messageOf(thrown))) throw thrown
    throw new MillraceError('missing-dependency', 'the package mqtt is not there', {
      hint: 'install it: npm install mqtt',
    })
  }
}
