/**
 * One connection to one broker for one purpose: made when it is needed, replaced by a new one after
 * it was lost, not before a pause that grows with each failure.
 */
import { Connection, Writer } from '@platformatic/kafka'
import type { ConnectionOptions } from '@platformatic/kafka'
import type { Clock } from '../../../core/clock.ts'
import type { Api } from './api.ts'

const pauseMsMin = 50
const pauseMsMax = 1_000
/** A broker answers one request of a connection at a time. */
const maxInflights = 5
/** Of ApiVersions the answer has the oldest header, so that any client can read it. */
const apiVersionsKey = 18

export interface LinkOptions {
  readonly clock: Clock
  readonly clientId: string
  readonly host: string
  readonly port: number
  readonly connection: ConnectionOptions
}

export class Link {
  readonly #options: LinkOptions
  #connection: Connection | null = null
  #connecting: Promise<Connection> | null = null
  #failures = 0
  #notBeforeMs = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** @throws what the library throws; a request is never sent twice */
  async call<Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> {
    const connection = this.#connection ?? (await this.#connected())
    return await new Promise<Answer>((resolve, reject) => {
      connection.send<Answer>(
        api.key,
        api.version,
        () => {
          const writer = Writer.create()
          api.write(writer, request)
          return writer
        },
        (_id, _key, _version, reader) => api.read(reader),
        api.flexible,
        api.flexible && api.key !== apiVersionsKey,
        (error, answer) => (error === null ? resolve(answer as Answer) : reject(error)),
      )
    })
  }

  async close(): Promise<void> {
    const connection = this.#connection ?? (await this.#connecting?.catch(() => null)) ?? null
    this.#connection = null
    await connection?.close().catch(() => {})
  }

  #connected(): Promise<Connection> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  async #connect(): Promise<Connection> {
    const { clock, clientId, host, port, connection: options } = this.#options
    const pauseMs = this.#notBeforeMs - clock.monotonic()
    if (pauseMs > 0) await new Promise<void>((resolve) => clock.after(pauseMs, resolve))
    // A new object each time: a used one may hold half an answer of its old socket.
    const connection = new Connection(clientId, { maxInflights, ...options })
    connection.on('error', () => this.#lost(connection))
    connection.on('close', () => this.#lost(connection))
    try {
      await connection.connect(host, port)
      this.#failures = 0
      this.#connection = connection
      return connection
    } catch (thrown) {
      const next = pauseMsMin * 2 ** Math.min(this.#failures, 10)
      this.#failures += 1
      this.#notBeforeMs = clock.monotonic() + Math.min(next, pauseMsMax)
      void connection.close().catch(() => {})
      throw thrown
    }
  }

  #lost(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null
  }
}
