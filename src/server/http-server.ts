/**
 * The HTTP server: takes records, and shows what is there. On Node's own server, whose parser
 * refuses what is no HTTP; every limit that it has is set here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIPv6, type AddressInfo, type Socket } from 'node:net'
import { messageOf, MillraceError } from '../core/error.ts'
import type { TopicSpec } from '../pipeline/topic-spec.ts'
import { Budget } from './budget.ts'
import { Guard } from './guard.ts'
import { checkHttpOptions, type CheckedHttpOptions, type HttpOptions } from './http-options.ts'
import { Ingest } from './ingest.ts'
import { ingestRoutes } from './ingest-routes.ts'
import { metricsRoute } from './metrics.ts'
import { letterRoutes } from './letter-routes.ts'
import { openApiRoute } from './openapi.ts'
import { RateLimit } from './rate-limit.ts'
import { problemOf, Refusal, refusalOf } from './refusal.ts'
import { pageRoutes } from './page-routes.ts'
import { liveRoute } from './live-route.ts'
import { type Reply, Router, type Stream } from './route.ts'
import { RequestKeys } from './request-keys.ts'
import { runRoutes } from './run-routes.ts'
import type { Served } from './served.ts'
import { sendStream } from './stream-reply.ts'
import { stepsRoute } from './steps-route.ts'
import { streamRoute } from './stream-route.ts'
import { topicRoutes } from './topic-routes.ts'

/** Connections at one time; further ones are closed at once. */
const connectionsMax = 1_000
const headerBytesMax = 16_384
const headersMax = 100
const headersTimeoutMs = 10_000
const keepAliveMs = 10_000
/** A connection on which nothing moves, also while an answer is sent. */
const silenceMs = 60_000
/** How often Node looks for requests that take too long. */
const checkEveryMs = 1_000
/** How long requests under way may take when the server is closed. */
const closingMs = 5_000
/** What a refused sender goes on sending is read for so long, so that it sees the answer. */
const lingerMs = 1_000

/** Sent with each answer: no browser shows, runs, keeps or passes on any of it. */
const headersAlways: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export interface HttpServer {
  /** `http://127.0.0.1:7070`, with the port that was taken. */
  readonly url: string
  /** Takes no more requests, answers those under way, then resolves. Idempotent. */
  close(): Promise<void>
}

/**
 * Begins to listen.
 * @throws `invalid-argument` for what is no option, an address that other machines reach without a
 * token, or one that cannot be listened on
 */
export async function startHttpServer(options: HttpOptions, served: Served): Promise<HttpServer> {
  const checked = checkHttpOptions(options)
  const server = new MillraceHttp(checked, served)
  await server.listen()
  return server
}

class MillraceHttp implements HttpServer {
  readonly #options: CheckedHttpOptions
  readonly #served: Served
  readonly #guard: Guard
  readonly #limit: RateLimit | null
  readonly #keys: RequestKeys
  readonly #router: Router
  readonly #server: Server
  readonly #replies = new Map<number, number>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #ends = new AbortController()
  #closing: Promise<void> | null = null

  constructor(options: CheckedHttpOptions, served: Served) {
    const { log, clock } = served
    this.#options = options
    this.#served = served
    this.#guard = new Guard(options)
    const { requestsPerSecond } = options
    this.#limit = requestsPerSecond === null ? null : new RateLimit(requestsPerSecond, clock)
    const budget = new Budget(options.bytesInFlightMax)
    const { keepKeysForMs: keepForMs, keysMax } = options
    this.#keys = new RequestKeys({ log, clock, keepForMs, keysMax })
    const ingest = new Ingest({
      log,
      clock,
      options,
      budget,
      keys: this.#keys,
      specs: specsOf(served),
    })
    const routes = [
      ...ingestRoutes(ingest, options),
      ...topicRoutes(log, clock),
      ...letterRoutes(log, clock),
      ...runRoutes(served),
      liveRoute(served),
      stepsRoute(served),
      streamRoute(log, clock),
      metricsRoute({ served, ingest, budget, keys: this.#keys, replies: this.#replies }),
    ]
    const { version } = served
    const hasTokens = options.tokens.length > 0
    this.#router = new Router([
      ...routes,
      openApiRoute(routes, { version, hasTokens }),
      ...(options.ui ? pageRoutes() : []),
    ])
    this.#server = createServer({
      maxHeaderSize: headerBytesMax,
      headersTimeout: Math.min(headersTimeoutMs, options.requestTimeoutMs),
      requestTimeout: options.requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkEveryMs,
      requireHostHeader: false, // refused by the guard, with a reason
    })
    this.#server.maxConnections = connectionsMax
    this.#server.maxHeadersCount = headersMax
    this.#server.timeout = Math.max(silenceMs, options.requestTimeoutMs)
    this.#listenTo(this.#server)
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`
  }

  async listen(): Promise<void> {
    await this.#keys.open()
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(cannotListen(error, host, port)))
      this.#server.listen({ host, port }, resolve)
    })
    this.#server.removeAllListeners('error')
    this.#server.on('error', (error) => this.#served.onFault(error))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#ends.abort()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    // A body that is still on its way is waited for, but not as long as it may take.
    const cancel = this.#served.clock.after(closingMs, () => this.#server.closeAllConnections())
    await Promise.allSettled(this.#underWay)
    // Whoever has not sent its request yet, or keeps its connection, is not waited for.
    this.#server.closeAllConnections()
    cancel()
    await closed
    await this.#keys.close()
  }

  #listenTo(server: Server): void {
    const take = (request: IncomingMessage, response: ServerResponse): void => {
      const answering = this.#answer(request, response)
        .catch((thrown: unknown) => {
          this.#served.onFault(thrown)
          response.destroy()
        })
        .finally(() => this.#underWay.delete(answering))
      this.#underWay.add(answering)
    }
    server.on('request', take)
    server.on('checkContinue', take)
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      if (!socket.writable || error.code === 'ECONNRESET') return socket.destroy()
      const status = statusOfClientError(error)
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return undefined
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {}) // the client is gone
    request.on('error', () => {})
    let reply: Reply | Stream
    try {
      reply = await this.#replyTo(request, response)
    } catch (thrown) {
      const refusal = refusalOf(thrown)
      if (refusal.status === 500) this.#served.onFault(thrown)
      reply = {
        status: refusal.status,
        body: problemOf(refusal),
        contentType: 'application/problem+json',
        headers: refusal.headers,
      }
    }
    if (!('stream' in reply)) return await this.#send(request, response, reply)
    this.#count(reply.status)
    await sendStream(response, reply, { headers: headersAlways, closing: this.#ends.signal })
  }

  async #replyTo(request: IncomingMessage, response: ServerResponse): Promise<Reply | Stream> {
    if (this.#closing !== null) {
      throw new Refusal(503, 'closing', 'the server is being stopped', {
        headers: { 'Retry-After': '1' },
      })
    }
    this.#guard.checkOrigin(request)
    const { route, path, query } = this.#router.find(request.method ?? '', request.url ?? '')
    if (!route.isOpen) {
      const token = this.#guard.checkToken(request)
      this.#limit?.take(`${token} ${request.socket.remoteAddress ?? ''}`)
    }
    // A sender that waits before its body is told to send it when it is wanted.
    const begin = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue()
    }
    return await route.handle({ path, query, request, begin })
  }

  #count(status: number): void {
    this.#replies.set(status, (this.#replies.get(status) ?? 0) + 1)
  }

  async #send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
    const { status, body, contentType = 'application/json' } = reply
    this.#count(status)
    if (response.destroyed || request.socket.destroyed) return // the client is gone
    const isText = typeof body === 'string' || Buffer.isBuffer(body)
    const bytes = bytesOf(body)
    // What was not read of the body would be taken for the next request.
    const isWhole = request.complete
    response.writeHead(status, {
      ...headersAlways,
      'Content-Type': isText ? contentType : `${contentType}; charset=utf-8`,
      'Content-Length': bytes.length,
      ...reply.headers,
      ...(isWhole && this.#closing === null ? {} : { Connection: 'close' }),
    })
    await new Promise<void>((resolve) => {
      response.once('close', resolve)
      response.end(bytes, resolve)
    })
    if (isWhole) return
    request.resume()
    const { socket } = request
    socket.once(
      'close',
      this.#served.clock.after(lingerMs, () => socket.destroy()),
    )
  }
}

function bytesOf(body: Reply['body']): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`)
}

/** The declarations of the topics that the process's pipelines read. */
function specsOf({ plans }: Served): Map<string, TopicSpec> {
  const specs = new Map<string, TopicSpec>()
  for (const { steps } of plans.flatMap(({ parts }) => parts)) {
    for (const { node } of steps) {
      if (node.kind === 'source' && !specs.has(node.topic.name)) {
        specs.set(node.topic.name, node.topic)
      }
    }
  }
  return specs
}

function statusOfClientError({ code }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout'
  return '400 Bad Request'
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): MillraceError {
  const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used: ${messageOf(error)}`
  return new MillraceError('invalid-argument', `the address ${host}:${port} ${why}`, {
    hint: 'choose another port, or 0 for one that is free',
    cause: error,
  })
}
