/**
 * One connection to a broker, from its making to its end. Opened once: TCP, TLS, ApiVersions,
 * login. When it is lost all that wait are told at once, and it is never used again: a used
 * connection may hold half an answer of its old socket.
 */
import type { Connection, Reader } from '@platformatic/kafka'
import type { Clock } from '../../../core/clock.ts'
import { MillraceError, messageOf } from '../../../core/error.ts'
import type { Outcome } from '../../../core/error.ts'
import type { Api } from './api.ts'
import { checkedReader } from './checked-reader.ts'
import { codeName, errorCode } from './error-codes.ts'
import type { KafkaLibrary } from './library.ts'
import { login } from './login.ts'
import { apiVersions } from './requests/api-versions.ts'
import type { ApiVersionsAnswer, VersionRange } from './requests/api-versions.ts'
import type { Security } from './security.ts'
import { errorOf, noAnswer, troubleOf } from './trouble.ts'
import type { Progress, Trouble } from './trouble.ts'

/** What a line tells. */
export interface LineEvents {
  /** Each answer to a request after the opening. */
  readonly onAnswer: () => void
  /**
   * Once, where it was up and was not closed by its owner. `waiting`: requests that will not be
   * answered.
   */
  readonly onLost: (reason: string, waiting: number) => void
}

export interface LineTarget {
  readonly host: string
  readonly port: number
  /** For TCP with TLS, and then for each step of the opening. */
  readonly openTimeoutMs: number
}

export interface LineOptions extends LineTarget, LineEvents {
  readonly library: KafkaLibrary
  readonly clock: Clock
  readonly clientId: string
  readonly security: Security
}

/** A connection of any make: `Line` goes over TCP. */
export type AnyLine = Pick<
  Line,
  'isUp' | 'isQuiet' | 'isDue' | 'open' | 'call' | 'drained' | 'close' | 'error'
>

export type MakeLine = (options: LineTarget & LineEvents) => AnyLine

/** The library's own time-out is not used: it is the same for all requests of a connection. */
const neverMs = 2_147_483_647
/** The library's limit of requests under way is not used: who sends knows how many may be. */
const maxInflights = 1_000_000
/** The login is renewed by a new connection when this much of its life is over. */
const renewedAt = 0.8

const keepAliveMs = 20_000

type Read<Answer> = { readonly value: Answer } | { readonly thrown: unknown }

export class Line {
  readonly #options: LineOptions
  readonly #place: string
  /** What to call with the reason when the line ends. */
  readonly #waiting = new Set<(error: MillraceError) => void>()
  #connection: Connection | null = null
  #end: Trouble | 'closed' | null = null
  #stage: Progress['stage'] = 'opening'
  #versions: ReadonlyMap<number, VersionRange> = new Map()
  #renewMs = Infinity
  #onDrained: (() => void) | null = null

  constructor(options: LineOptions) {
    this.#options = options
    this.#place = `${options.host}:${options.port}`
  }

  get isUp(): boolean {
    return this.#end === null && this.#stage !== 'opening'
  }

  get isQuiet(): boolean {
    return this.#waiting.size === 0
  }

  /** The login runs out soon: to be replaced. */
  get isDue(): boolean {
    return this.#options.clock.monotonic() >= this.#renewMs
  }

  /**
   * Once, before any call.
   * @returns what the broker can do
   * @throws `log-unreachable`, `not-authorised`, `log-unsupported`, `log-closed`, `file-not-found`
   */
  async open(): Promise<ApiVersionsAnswer> {
    const { security, host, openTimeoutMs } = this.#options
    const tls = await security.tls(host)
    await this.#connect(tls)
    const call = <Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> =>
      this.#send(api, request, openTimeoutMs)
    const offer = await call(apiVersions, null)
    if (offer.code !== errorCode.none) {
      throw new MillraceError(
        'log-unsupported',
        `broker ${this.#place} does not know ApiVersions ${apiVersions.version}: ` +
          codeName(offer.code),
        { hint: oldHint },
      )
    }
    this.#versions = offer.versions
    const credentials = await this.#credentials()
    if (credentials !== null) {
      const { clock } = this.#options
      const began = clock.monotonic()
      const { lifetimeMs } = await login({
        place: this.#place,
        credentials,
        call,
        scrub: security.scrub,
      })
      this.#renewMs = began + lifetimeMs * renewedAt
    }
    this.#check()
    this.#stage = 'fresh'
    return offer
  }

  /** @throws what `open` throws */
  async #connect(tls: Awaited<ReturnType<Security['tls']>>): Promise<void> {
    this.#check()
    const { library, clientId, host, port, openTimeoutMs } = this.#options
    const connection = new library.Connection(clientId, {
      connectTimeout: openTimeoutMs,
      requestTimeout: neverMs,
      maxInflights,
      ...(tls === null ? {} : { tls }),
    })
    this.#connection = connection
    connection.on('error', (error) => this.#lose(error))
    connection.on('close', () => this.#lose(null))
    try {
      const connected = connection.connect(host, port)
      guard(connection, tls === null ? 'connect' : 'secureConnect')
      await connected
    } catch (thrown) {
      this.#lose(thrown)
    }
    this.#check()
  }

  async #credentials(): ReturnType<Security['credentials']> {
    const { security, clock, openTimeoutMs } = this.#options
    let cancel = (): void => {}
    const late = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(openTimeoutMs, () =>
        reject(
          new MillraceError(
            'log-unreachable',
            `the function for a secret gave nothing within ${openTimeoutMs} ms`,
            { hint: 'it is what was given as sasl.password or sasl.token' },
          ),
        ),
      )
    })
    try {
      return await Promise.race([security.credentials(), late])
    } finally {
      cancel()
    }
  }

  /**
   * Sends the request at once. A request that is not answered in time ends the whole line.
   * @throws `log-unreachable`, `log-unsupported`, `log-failed`, `log-closed`; what `api.write`
   * throws
   */
  async call<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    const { min, max } = this.#versions.get(api.key) ?? { min: 0, max: -1 }
    if (api.version < min || api.version > max) throw this.#unsupported(api, { min, max })
    return await this.#send(api, request, timeoutMs)
  }

  #send<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    this.#check()
    const { library, clock } = this.#options
    const writer = library.Writer.create()
    api.write(writer, request)
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const late = (): void => this.#lose(noAnswer(api.name, timeoutMs))
    const cancel = clock.after(timeoutMs, late)
    const fail = (error: MillraceError): void => {
      cancel()
      reject(error)
    }
    this.#waiting.add(fail)
    this.#connection?.send<Read<Answer>>(
      api.key,
      api.version,
      () => writer,
      (_id, _key, _version, reader) => readAnswer(api, reader),
      api.flexible,
      // ApiVersions is answered with the oldest header, so that any client can read it.
      api.flexible && api.key !== apiVersions.key,
      (error, answer) => {
        if (!this.#waiting.has(fail)) return
        if (error !== null || answer === undefined) return this.#lose(error)
        cancel()
        this.#waiting.delete(fail)
        if ('value' in answer) resolve(answer.value)
        else reject(this.#unreadable(api, answer.thrown))
        this.#heard()
        if ('thrown' in answer) this.#lose(new Error(`its answer to ${api.name} makes no sense`))
      },
    )
    return promise
  }

  #heard(): void {
    if (this.#waiting.size === 0) this.#onDrained?.()
    if (this.#stage === 'opening') return
    this.#stage = 'used'
    this.#options.onAnswer()
  }

  /** Resolves when nothing waits for an answer any more. */
  async drained(): Promise<void> {
    if (this.#waiting.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve
    })
  }

  /** Ends it; what waits for an answer is told `log-closed`. Idempotent. */
  async close(): Promise<void> {
    if (this.#end === null) this.#finish('closed')
    await this.#connection?.close().catch(() => {})
  }

  #lose(thrown: unknown): void {
    if (this.#end !== null) return
    const { usesTls, usesLogin, scrub } = this.#options.security
    const trouble = isTrouble(thrown)
      ? thrown
      : troubleOf(thrown, { usesTls, usesLogin, stage: this.#stage })
    const clean = { ...trouble, reason: scrub(trouble.reason) }
    const waiting = this.#waiting.size
    const wasUp = this.isUp
    this.#finish(clean)
    if (wasUp) this.#options.onLost(errorOf(clean, this.#place, 'unknown').message, waiting)
  }

  #finish(end: Trouble | 'closed'): void {
    this.#end = end
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    void this.#connection?.close().catch(() => {})
    // The library's close waits for what is still to be written, for ever with a paused broker.
    this.#connection?.socket?.destroy()
    for (const fail of waiting) fail(this.error('unknown'))
    this.#onDrained?.()
  }

  /** @throws the reason where the line has ended */
  #check(): void {
    if (this.#end !== null) throw this.error('not-applied')
  }

  /** Why it ended. */
  error(outcome: Outcome): MillraceError {
    if (this.#end === null || this.#end === 'closed') {
      return new MillraceError('log-closed', 'the Kafka log was closed', { outcome })
    }
    return errorOf(this.#end, this.#place, outcome)
  }

  #unsupported({ name, version }: Api<never, unknown>, { min, max }: VersionRange): MillraceError {
    const offer = max < 0 ? 'does not know it' : `offers ${min} to ${max}`
    return new MillraceError(
      'log-unsupported',
      `${name} is needed in version ${version}, broker ${this.#place} ${offer}`,
      { hint: max < version ? oldHint : 'this release is too old for the broker: use a newer one' },
    )
  }

  #unreadable({ name }: Api<never, unknown>, thrown: unknown): MillraceError {
    return new MillraceError(
      'log-failed',
      `the answer of broker ${this.#place} to ${name} cannot be read: ${messageOf(thrown)}`,
      { outcome: 'unknown', hint: 'is this a Kafka broker?' },
    )
  }
}

const oldHint = 'use Apache Kafka 3.9 or newer'

function readAnswer<Answer>(api: Api<never, Answer>, reader: Reader): Read<Answer> {
  try {
    return { value: api.read(checkedReader(reader)) }
  } catch (thrown) {
    return { thrown }
  }
}

function isTrouble(thrown: unknown): thrown is Trouble {
  return typeof thrown === 'object' && thrown !== null && 'hint' in thrown && 'reason' in thrown
}

/**
 * What the library throws while it takes bytes apart would be an uncaught exception: it ends the
 * connection instead. Nor does it listen to errors of a socket that it has given up.
 */
function guard({ socket }: Connection, ready: 'connect' | 'secureConnect'): void {
  socket.on('error', () => {})
  // A request that waits for minutes shall not wait for ever on a way that is cut.
  socket.setKeepAlive(true, keepAliveMs)
  socket.once(ready, () => {
    for (const listener of socket.listeners('data')) {
      socket.removeListener('data', listener as (bytes: Buffer) => void)
      socket.on('data', (bytes: Buffer) => {
        try {
          listener(bytes)
        } catch (thrown) {
          socket.destroy(thrown instanceof Error ? thrown : new Error(messageOf(thrown)))
        }
      })
    }
  })
}
