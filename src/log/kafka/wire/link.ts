/**
 * The way to one broker for one purpose: one line after another, the next made when something is to
 * be sent and the broker's pause is over. Requests are sent in the order of the calls.
 */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError, messageOf } from '../../../core/error.ts'
import type { Outcome } from '../../../core/error.ts'
import type { Api } from './api.ts'
import type { BrokerHealth } from './broker-health.ts'
import type { AnyLine, LineEvents, MakeLine } from './line.ts'
import type { ApiVersionsAnswer } from './requests/api-versions.ts'

export interface LinkOptions extends Omit<Parameters<MakeLine>[0], keyof LineEvents> {
  readonly clock: Clock
  readonly makeLine: MakeLine
  readonly health: BrokerHealth
  /** Each time that a line is up. */
  readonly onOffer: (offer: ApiVersionsAnswer) => void
  /** A connection could not be made, or was lost while something waited for an answer. */
  readonly onFailure: (reason: string) => void
}

interface Waiting {
  start(line: AnyLine): void
  fail(thrown: unknown): void
}

export class Link {
  readonly #options: LinkOptions
  #line: AnyLine | null = null
  /** In the order in which they came; none while a line is up. */
  #waiting: Waiting[] = []
  /** Under way: a line is being made. */
  #opening: Promise<void> | null = null
  #next: AnyLine | null = null
  #isClosed = false
  #wake: (() => void) | null = null

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Nothing is sent or waited for. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#opening === null && (this.#line?.isQuiet ?? true)
  }

  /**
   * Never sends a request twice.
   * @param timeoutMs for the answer; waiting for a connection is limited to as much again
   */
  call<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(closed())
    const line = this.#line
    if (line !== null && !line.isDue && this.#opening === null) {
      return line.call(api, request, timeoutMs)
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const cancel = this.#options.clock.after(timeoutMs, () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting)
      const { host, port } = this.#options
      const text = `broker ${host}:${port}: no connection for ${api.name} within ${timeoutMs} ms`
      reject(new MillraceError('log-unreachable', text, { hint: 'is it up, and reachable?' }))
    })
    const waiting: Waiting = {
      start(up) {
        cancel()
        resolve(up.call(api, request, timeoutMs))
      },
      fail(thrown) {
        cancel()
        reject(thrown)
      },
    }
    this.#waiting.push(waiting)
    this.#opening ??= this.#open()
    return promise
  }

  /** Gives all that wait a new line, or the reason why there is none. Never rejects. */
  async #open(): Promise<void> {
    let settle: (waiting: Waiting) => void
    try {
      await this.#retire()
      const line = await this.#newLine()
      settle = (waiting) => waiting.start(line)
    } catch (thrown) {
      settle = (waiting) => waiting.fail(thrown)
    }
    this.#opening = null
    // All at once, in order: nothing that is called later comes before them.
    for (const waiting of this.#waiting.splice(0)) settle(waiting)
  }

  /** Lets the answers that are on their way arrive. */
  async #retire(): Promise<void> {
    const line = this.#line
    if (line === null) return
    await line.drained()
    this.#drop(line)
    await line.close()
  }

  async #newLine(): Promise<AnyLine> {
    const { health, host, port, openTimeoutMs, makeLine } = this.#options
    // A timer may come a little early; a pause may have been set anew by another link.
    for (let ms = health.pauseMs(); ms > 0 && !this.#isClosed; ms = health.pauseMs()) {
      await this.#pause(ms)
    }
    if (this.#isClosed) throw closed()
    const line: AnyLine = makeLine({
      host,
      port,
      openTimeoutMs,
      onAnswer: () => health.answered(),
      onLost: (reason, waiting) => this.#lost(line, reason, waiting),
    })
    this.#next = line
    try {
      const offer = await line.open()
      if (!line.isUp) throw line.error('not-applied')
      this.#line = line
      health.lineCount += 1
      this.#options.onOffer(offer)
      return line
    } catch (thrown) {
      void line.close()
      if (this.#isClosed) throw closed()
      this.#options.onFailure(messageOf(thrown))
      throw notApplied(thrown)
    } finally {
      this.#next = null
    }
  }

  async #pause(pauseMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(pauseMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = null
  }

  #lost(line: AnyLine, reason: string, waiting: number): void {
    this.#drop(line)
    // A broker closes connections that nobody uses: nothing is wrong then.
    if (waiting > 0) this.#options.onFailure(reason)
  }

  #drop(line: AnyLine): void {
    if (this.#line !== line) return
    this.#line = null
    this.#options.health.lineCount -= 1
  }

  /** What waits is told `log-closed`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake?.()
    const line = this.#line
    if (line !== null) this.#drop(line)
    await Promise.all([line?.close(), this.#next?.close()])
    await this.#opening
  }
}

/** Nothing of what waited for the connection was sent, only the greeting. */
function notApplied(thrown: unknown): unknown {
  if (!(thrown instanceof MillraceError) || thrown.outcome === 'not-applied') return thrown
  const { code, message, hint } = thrown
  return new MillraceError(code, message, hint === undefined ? {} : { hint })
}

/** @param outcome `unknown`: something may have been done */
export function closed(outcome: Outcome = 'not-applied'): MillraceError {
  return new MillraceError('log-closed', 'the Kafka log was closed', { outcome })
}
