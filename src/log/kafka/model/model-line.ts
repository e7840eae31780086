/**
 * One connection to a broker of the model, in place of one over TCP: a request takes its time to
 * the broker, which answers a connection's requests one after the other, and an answer takes its
 * time back. Requests that have left arrive also where the connection is lost meanwhile.
 */
import type { Clock } from '../../../core/clock.ts'
import type { MillraceError, Outcome } from '../../../core/error.ts'
import type { Random } from '../../../core/random.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster } from '../wire/cluster.ts'
import { clusterOver, type ConnectOptions } from '../wire/connect-cluster.ts'
import type { AnyLine, LineEvents, LineTarget } from '../wire/line.ts'
import { closed } from '../wire/link.ts'
import type { ApiVersionsAnswer } from '../wire/requests/api-versions.ts'
import type { ProduceBatch } from '../wire/requests/produce.ts'
import { errorOf, noAnswer, type Trouble } from '../wire/trouble.ts'
import type { ModelBrokers } from './model-brokers.ts'

/**
 * What a request meets on its way: it is lost with its connection (`request-lost`), or its answer
 * is; or the connection is lost, and the request arrives so much later; or the answer is late.
 */
export type Mishap =
  | { readonly kind: 'request-lost' | 'answer-lost' }
  | { readonly kind: 'late-request' | 'late-answer'; readonly ms: number }

export interface Network {
  readonly brokers: ModelBrokers
  readonly random: Random
  /** One way takes up to this. */
  readonly delayMsMax: number
  /** Asked once for each request; null: all goes well. */
  readonly meet: (name: string, node: number) => Mishap | null
}

type ClientOptions = Omit<ConnectOptions, 'brokers'>

/** The brokers as one process reaches them. */
export function modelCluster(network: Network, options: ClientOptions): Cluster {
  const { brokers } = network
  const places = brokers.placement.nodes.map((node) => {
    const { host, port } = brokers.brokerOf(node)
    return `${host}:${port}`
  })
  return clusterOver(
    { ...options, brokers: places },
    (line) => new ModelLine({ ...line, ...network, clock: options.clock }),
  )
}

interface ModelLineOptions extends LineTarget, LineEvents, Network {
  /** The client's: answers come when it runs. */
  readonly clock: Clock
}

class ModelLine implements AnyLine {
  readonly isDue = false
  readonly #options: ModelLineOptions
  readonly #node: number
  readonly #waiting = new Set<(error: MillraceError) => void>()
  #isOpen = false
  #end: Trouble | 'closed' | null = null
  #onDrained: (() => void) | null = null
  /** What the broker does for this connection: one thing after the other. */
  #work: Promise<unknown> = Promise.resolve()
  /** Nothing overtakes what is on the same way. */
  #thereMs = 0
  #backMs = 0
  #unwatch = (): void => {}

  constructor(options: ModelLineOptions) {
    this.#options = options
    this.#node = Number(/\d+$/.exec(options.host)?.[0] ?? -1)
  }

  get isUp(): boolean {
    return this.#isOpen && this.#end === null
  }

  get isQuiet(): boolean {
    return this.#waiting.size === 0
  }

  async open(): Promise<ApiVersionsAnswer> {
    const { clock, brokers } = this.#options
    await new Promise<void>((resolve) => void clock.after(this.#delay() + this.#delay(), resolve))
    if (!brokers.placement.isUp(this.#node)) this.#end ??= refused
    if (this.#end !== null) throw this.error('not-applied')
    this.#isOpen = true
    this.#unwatch = brokers.onDown((node) => {
      // The client hears of it when it runs.
      if (node === this.#node) clock.after(0, () => this.#lose(reset))
    })
    return brokers.offer
  }

  async call<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    if (this.#end !== null) throw this.error('not-applied')
    const { clock, onAnswer } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const cancel = clock.after(timeoutMs, () => this.#lose(noAnswer(api.name, timeoutMs)))
    const fail = (error: MillraceError): void => {
      cancel()
      reject(error)
    }
    this.#waiting.add(fail)
    this.#send(api as Api<never, unknown>, request, (answer) => {
      if (!this.#waiting.delete(fail)) return
      cancel()
      resolve(answer as Answer)
      if (this.#waiting.size === 0) this.#onDrained?.()
      onAnswer()
    })
    return await promise
  }

  #send(api: Api<never, unknown>, request: unknown, take: (answer: unknown) => void): void {
    const { brokers, clock, meet } = this.#options
    const mishap = meet(api.name, this.#node)
    const kind = mishap?.kind
    const sent = copied(request)
    if (kind === 'request-lost' || kind === 'late-request') {
      clock.after(this.#delay(), () => this.#lose(reset))
    }
    if (kind === 'request-lost') return
    const lateMs = mishap !== null && 'ms' in mishap ? mishap.ms : 0
    const serverClock = brokers.clock
    const leftMs = serverClock.monotonic()
    const there = Math.max(this.#thereMs, leftMs + this.#delay())
    if (kind === 'late-request') {
      serverClock.after(there - leftMs + lateMs, () => void this.#handle(api, sent))
      return
    }
    this.#thereMs = there
    serverClock.after(there - leftMs, () => {
      const before = this.#work
      this.#work = before
        .then(() => this.#handle(api, sent))
        .then((answer) => {
          if (answer === lostOnTheWay) return
          if (kind === 'answer-lost') clock.after(this.#delay(), () => this.#lose(reset))
          else this.#answer(answer, kind === 'late-answer' ? lateMs : 0, take)
        })
    })
  }

  /** Never rejects for what a broker does. */
  async #handle(api: Api<never, unknown>, request: unknown): Promise<unknown> {
    const { brokers, clock } = this.#options
    if (brokers.placement.isUp(this.#node)) {
      try {
        const answer = await brokers.handle(this.#node, api, request)
        if (brokers.placement.isUp(this.#node)) return answer
      } catch (thrown) {
        if (brokers.placement.isUp(this.#node)) throw thrown
      }
    }
    clock.after(0, () => this.#lose(reset))
    return lostOnTheWay
  }

  #answer(answer: unknown, lateMs: number, take: (answer: unknown) => void): void {
    const { clock } = this.#options
    const nowMs = clock.monotonic()
    this.#backMs = Math.max(this.#backMs, nowMs + this.#delay() + lateMs)
    clock.after(this.#backMs - nowMs, () => {
      if (this.#end === null) take(answer)
    })
  }

  #delay(): number {
    const { random, delayMsMax } = this.#options
    return random.int(delayMsMax + 1)
  }

  async drained(): Promise<void> {
    if (this.#waiting.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve
    })
  }

  close(): Promise<void> {
    if (this.#end === null) this.#finish('closed')
    return Promise.resolve()
  }

  #lose(trouble: Trouble): void {
    if (this.#end !== null) return
    const waiting = this.#waiting.size
    const wasUp = this.isUp
    this.#finish(trouble)
    if (wasUp) this.#options.onLost(this.error('unknown').message, waiting)
  }

  #finish(end: Trouble | 'closed'): void {
    this.#end = end
    this.#unwatch()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const fail of waiting) fail(this.error('unknown'))
    this.#onDrained?.()
  }

  error(outcome: Outcome): MillraceError {
    if (this.#end === null || this.#end === 'closed') return closed(outcome)
    return errorOf(this.#end, `${this.#options.host}:${this.#options.port}`, outcome)
  }
}

const lostOnTheWay = Symbol('the broker is down')

const hint = 'is it being restarted?'
const reset: Trouble = { code: 'log-unreachable', reason: 'it closed the connection', hint }
const refused: Trouble = { code: 'log-unreachable', reason: 'connection refused', hint }

/** The sender may use the memory of its batches again as soon as the connection is lost. */
function copied(request: unknown): unknown {
  if (typeof request !== 'object' || request === null || !('batches' in request)) return request
  const batches = request.batches as readonly ProduceBatch[]
  return {
    ...request,
    batches: batches.map(({ topic, partition, bytes }) => ({
      topic,
      partition,
      bytes: Buffer.from(bytes),
    })),
  }
}
