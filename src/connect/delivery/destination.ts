/**
 * What a process has of one sink: the connection, the tries under way, whether the destination is
 * away, and what has been counted. Shared by the deliveries of all partitions.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { Random } from '../../core/random.ts'
import type { Attempt, SinkContext } from '../sink.ts'
import { askedPauseMs } from './backoff.ts'
import { Breaker } from './breaker.ts'
import type { DeliverySpec } from './delivery-options.ts'
import { asSinkError, failureKind } from './failure.ts'
import type { FailureKind } from './failure.ts'

/** How long a try may take to end when its signal has fired: then it is not waited for. [K4] */
const endMsMax = 1_000

/** What `open` of a sink gives, of either kind. */
interface Closable {
  close(): Promise<void>
}

export interface DestinationOptions<C extends Closable> {
  readonly sink: { readonly name: string; open(context: SinkContext): Promise<C> }
  readonly spec: DeliverySpec
  readonly clock: Clock
  readonly random: Random
  /** Told when the destination is away, and when it is back. */
  readonly notify: (event: DestinationEvent) => void
}

export type DestinationEvent =
  | { readonly kind: 'sink-away'; readonly error: MillraceError; readonly inMs: number }
  | { readonly kind: 'sink-back' }

export type Outcome =
  | { readonly kind: 'delivered' }
  /** The run ends; whether the records were taken is not known. */
  | { readonly kind: 'dropped' }
  | {
      readonly kind: FailureKind
      readonly error: MillraceError
      /** Whether it uses up one of the records' tries. */
      readonly counts: boolean
    }

export interface TryOptions<C> {
  /** The same for all tries of the same records. */
  readonly what: unknown
  readonly recordCount: number
  readonly number: number
  /** Fires when the run ends and nobody waits any more. */
  readonly dropped: AbortSignal
  readonly work: (connection: C, attempt: Attempt) => Promise<void>
}

/** A connection, and who uses it. */
interface Connected<C> {
  readonly opened: Promise<C>
  users: number
  isGivenUp: boolean
}

export class Destination<C extends Closable> {
  readonly #options: DestinationOptions<C>
  readonly #breaker: Breaker
  readonly #listeners = new Set<() => void>()
  readonly #closing = new Set<Promise<void>>()
  readonly #latency: RecordableHistogram = createHistogram()
  #connected: Connected<C> | null = null
  #inFlight = 0
  /** Before it the rate allows no record; monotonic. */
  #rateFreeMs = 0
  #successCount = 0
  #delivered = 0
  #failures = 0
  #dead = 0
  #lastError: { readonly error: MillraceError; readonly atMs: number } | null = null

  constructor(options: DestinationOptions<C>) {
    this.#options = options
    const { clock, random, spec } = options
    this.#breaker = new Breaker({ clock, random, breakAfter: spec.breakAfter })
  }

  /** Told when a try may begin that could not before. @returns takes that back */
  onFree(listen: () => void): () => void {
    this.#listeners.add(listen)
    return () => this.#listeners.delete(listen)
  }

  /** 0: a try may begin now. Else in so many ms; Infinity: when one under way has ended. */
  get waitMs(): number {
    if (this.#inFlight >= this.#options.spec.concurrency) return Number.POSITIVE_INFINITY
    const rateMs = Math.max(0, this.#rateFreeMs - this.#options.clock.monotonic())
    return Math.max(this.#breaker.waitMs, rateMs)
  }

  /**
   * One try. Only where `waitMs` is 0.
   * @throws what says that no try will ever succeed: the sink cannot be opened as it is configured
   * · `task-fenced`
   */
  async try(options: TryOptions<C>): Promise<Outcome> {
    const { clock, spec, sink } = this.#options
    const startedMs = clock.monotonic()
    const tried = this.#breaker.started()
    this.#inFlight += 1
    this.#takeRate(options.recordCount, startedMs)
    const ending = new AbortController()
    const onDropped = (): void => ending.abort(droppedReason)
    options.dropped.addEventListener('abort', onDropped)
    if (options.dropped.aborted) onDropped()
    const cancel = clock.after(spec.timeoutMs, () => ending.abort(timedOut(sink.name, spec)))
    const work = this.#work(options, { number: options.number, signal: ending.signal })
    try {
      await orAborted(work, ending.signal)
      const wasAway = this.#breaker.state !== 'closed'
      this.#breaker.succeeded()
      this.#successCount += 1
      if (wasAway) this.#options.notify({ kind: 'sink-back' })
      this.#latency.record(Math.max(1, Math.round((clock.monotonic() - startedMs) * 1_000)))
      return { kind: 'delivered' }
    } catch (thrown) {
      if (thrown === droppedReason || options.dropped.aborted) {
        this.#breaker.dropped(tried)
        return { kind: 'dropped' }
      }
      if (thrown instanceof Final) throw thrown.cause
      const kind = failureKind(thrown)
      const error = asSinkError(thrown, sink.name)
      this.#failures += 1
      this.#lastError = { error, atMs: clock.now() }
      const wasAway = this.#breaker.state !== 'closed'
      const counts = this.#breaker.failed(options.what, kind, tried) === 'counts'
      this.#breaker.leaveAlone(askedPauseMs(thrown))
      const isAway = this.#breaker.state !== 'closed'
      if (wasAway !== isAway) this.#tell(isAway, error)
      if (kind === 'unavailable') this.#giveUp()
      if (error.code === 'task-fenced') throw error
      return { kind, error, counts }
    } finally {
      cancel()
      options.dropped.removeEventListener('abort', onDropped)
      // What comes next for these records is not to meet this try. [D1]
      if (ending.signal.aborted) await atMost(clock, endMsMax, work)
      this.#inFlight -= 1
      for (const listen of this.#listeners) listen()
    }
  }

  /** Tries that have succeeded. */
  get successCount(): number {
    return this.#successCount
  }

  countDelivered(recordCount: number): void {
    this.#delivered += recordCount
  }

  /** A record was given up. */
  countDead(): void {
    this.#dead += 1
  }

  /** Resolves when what was opened is closed. */
  async close(): Promise<void> {
    this.#giveUp()
    await Promise.all(this.#closing)
  }

  get status(): DestinationStatus {
    const isMeasured = this.#latency.count > 0
    return {
      state: this.#breaker.state === 'closed' ? 'delivering' : 'away',
      inFlight: this.#inFlight,
      delivered: this.#delivered,
      failures: this.#failures,
      dead: this.#dead,
      lastError: this.#lastError,
      tryMsP50: isMeasured ? this.#latency.percentile(50) / 1_000 : null,
      tryMsP99: isMeasured ? this.#latency.percentile(99) / 1_000 : null,
    }
  }

  #tell(isAway: boolean, error: MillraceError): void {
    const { notify } = this.#options
    if (isAway) notify({ kind: 'sink-away', error, inMs: Math.round(this.#breaker.waitMs) })
    else notify({ kind: 'sink-back' })
  }

  async #work({ work }: TryOptions<C>, attempt: Attempt): Promise<void> {
    const connected = (this.#connected ??= this.#connect(attempt.signal))
    connected.users += 1
    try {
      await work(await connected.opened.catch(failedToOpen), attempt)
    } finally {
      connected.users -= 1
      if (connected.isGivenUp) this.#closeUnused(connected)
    }
  }

  #connect(signal: AbortSignal): Connected<C> {
    const { sink, clock, random } = this.#options
    const opened = (async () => await sink.open({ clock, random, signal }))()
    const connected: Connected<C> = { opened, users: 0, isGivenUp: false }
    opened.catch(() => {
      if (this.#connected === connected) this.#connected = null
    })
    return connected
  }

  /** The next try opens a connection anew. */
  #giveUp(): void {
    const connected = this.#connected
    if (connected === null) return
    this.#connected = null
    connected.isGivenUp = true
    this.#closeUnused(connected)
  }

  #closeUnused(connected: Connected<C>): void {
    if (connected.users > 0) return
    const closing = connected.opened
      .then((connection) => connection.close())
      .catch(() => {}) // it was given up: nothing depends on how it ends
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  #takeRate(recordCount: number, nowMs: number): void {
    const { perSecondMax } = this.#options.spec
    if (perSecondMax === null) return
    this.#rateFreeMs = Math.max(nowMs, this.#rateFreeMs) + (recordCount * 1_000) / perSecondMax
  }
}

export interface DestinationStatus {
  /** `away`: tries fail, so they are made ever more rarely. */
  readonly state: 'delivering' | 'away'
  readonly inFlight: number
  /** Records. */
  readonly delivered: number
  /** Tries that failed. */
  readonly failures: number
  /** Records that were given up. */
  readonly dead: number
  readonly lastError: { readonly error: MillraceError; readonly atMs: number } | null
  /** How long tries took that succeeded, ms; null: none has. */
  readonly tryMsP50: number | null
  readonly tryMsP99: number | null
}

const droppedReason = new Error('the run ends')

/** Waits no longer than the signal allows, whatever the sink does. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  work.catch(() => {}) // when it is no longer waited for
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    aborted.promise.catch(() => {})
  }
}

/** Waits for the end of it, however it ends, but not for ever. */
async function atMost(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(ms, resolve)
    const end = (): void => {
      cancel()
      resolve()
    }
    work.then(end, end)
  })
}

function timedOut(sink: string, { timeoutMs }: DeliverySpec): MillraceError {
  return new MillraceError('sink-failed', `sink ${sink} did not answer within ${timeoutMs} ms`, {
    outcome: 'unknown',
    hint: 'raise its timeout, or find out why it takes so long',
  })
}

/** Says that no try will ever succeed. */
class Final extends Error {}

function failedToOpen(thrown: unknown): never {
  if (thrown instanceof MillraceError && thrown.retry === 'never')
    throw new Final('the sink cannot be opened', { cause: thrown })
  throw thrown
}
