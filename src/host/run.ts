/** `run`: the pipelines of this process, from start to an orderly end by Ctrl-C. */
import { systemClock } from '../core/clock.ts'
import { messageOf, MillraceError } from '../core/error.ts'
import { systemRandom } from '../core/random.ts'
import type { DeliveryEvent, DeliveryStatus } from '../connect/delivery/deliver.ts'
import type { SourceEvent, SourceStatus } from '../connect/source-runner.ts'
import type { EngineRun, RunEvent, TaskStatus, TaskTime } from '../engine/run.ts'
import { engineDefaults, startPipelines } from '../engine/run.ts'
import type { RestoreProgress } from '../engine/restore-task.ts'
import type { Log, StartAt } from '../log/log.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { pipelinesOf } from '../pipeline/pipelines-of.ts'
import { connectLine } from './connect-line.ts'
import { type Deliveries, startDeliveries } from './deliveries.ts'
import { markLater } from './collector.ts'
import { prepareFeeds, type Sources, startSources } from './feeds.ts'
import { dataDirectory, openLog } from './open-log.ts'
import type { LogName, LogOpener } from './log-name.ts'
import { Awaited } from './log-notice.ts'
import type { LogNotice } from './log-notice.ts'

/**
 * `failed`: the run has ended by this error. `log`: what goes on with the log, one clause: a broker
 * is away or back, a membership was lost.
 */
export type HostEvent =
  | RunEvent
  | DeliveryEvent
  | SourceEvent
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'log'; readonly text: string }

export interface RunOptions {
  /**
   * Name of the pipelines that were not named by `pipeline(name, …)`. State and offsets belong to
   * it. Default `main`.
   */
  readonly name?: string
  /**
   * The log to run on: one that is open (the caller closes it), what `kafka(…)` of `millrace/kafka`
   * gives, or its name. Default: MILLRACE_LOG, else `embedded`.
   */
  readonly log?: Log | LogOpener | LogName
  /**
   * Directory of the embedded log; on Kafka, of the local copies of state. Default: MILLRACE_DATA,
   * else `.millrace`.
   */
  readonly data?: string
  /**
   * `one`: one task reads all partitions. `per-partition`: a task for each, records that get
   * another key change partitions; needed to share the work among processes. Default:
   * `per-partition` on Kafka, else `one`.
   */
  readonly tasks?: 'one' | 'per-partition'
  /**
   * Fence whoever runs a pipeline of this name now, instead of failing with `pipeline-running`.
   * Default false.
   */
  readonly takeOver?: boolean
  /** Where inputs begin at the first run. Default `earliest`. */
  readonly startAt?: StartAt
  /**
   * With a backlog: ms between commits. Default 100. Without one, commits follow each other at
   * once.
   */
  readonly commitEveryMs?: number
  /**
   * Ends the run in an orderly way when it is aborted; at the start it ends the waiting for a
   * broker that is away (then `run` rejects).
   */
  readonly signal?: AbortSignal
  /** End in an orderly way at SIGINT and SIGTERM. Default true. */
  readonly signals?: boolean
  /** Takes what `print` steps show. Default: standard output. */
  readonly print?: (text: string) => void
  /**
   * Told what goes on: started, restored, retrying, failed. Default: one line on standard error for
   * what goes wrong, and exit code 1 when the run fails. */
  readonly notify?: (event: HostEvent) => void
}

/** Pipelines that run in this process. */
export interface Running {
  /**
   * Settles when they have ended: resolves after `stop` or a signal, rejects with the error that
   * ended them.
   */
  readonly done: Promise<void>
  /** Finishes the records in hand, commits, and closes what `run` opened. Idempotent. */
  stop(): Promise<void>
  /** One entry a task. */
  status(): TaskStatus[]
  /** One entry a source: where it is, what it has given. */
  sources(): SourceStatus<unknown>[]
  /** One entry a sink: what it has delivered, what waits, what failed last. */
  deliveries(): DeliveryStatus[]
  /** What the run waits for now, a line each: brokers that are away. Empty: nothing. */
  waitsFor(): string[]
  /**
   * Why a window has not given its result yet: for each task how far event time has come, which
   * partition holds it, since when, and what would move it on.
   */
  explain(): TaskTime[]
}

/**
 * Runs one or several pipelines in this process until they are stopped.
 *
 * Exactly-once into topics: a crash at any moment goes back to the last commit; `print` and
 * `forEach` may repeat what came since. A second run of the same name on the same log fails with
 * `pipeline-running`.
 * @returns when every task has its place in the log
 * @throws `invalid-plan` · `unknown-topic` · `pipeline-running` · what opening the log throws
 * @example
 * const lines = from(topic('lines', { codec: string(), partitions: 1 }))
 * const running = await run(lines.print(), { log: 'memory' })
 * await running.stop()
 */
export async function run(
  pipelines: Pipeline | readonly Pipeline[],
  options: RunOptions = {},
): Promise<Running> {
  const list = pipelinesOf(pipelines)
  const notify = options.notify ?? notifyOnStderr
  markLater()
  // Before anything runs: a signal that comes while it starts must end it in order, too.
  const signals = new StopSignals(options.signals ?? true, options.signal)
  const awaited = new Awaited()
  const tell = (notice: LogNotice): void => {
    awaited.take(notice)
    notify({ kind: 'log', text: notice.text })
  }
  let own: Log | null = null
  try {
    const { log: given } = options
    const isOpen = typeof given === 'object' && !('openLog' in given)
    if (!isOpen) own = await openOwn(options, tell)
    const log = own ?? (given as Log)
    const feeding = { log, clock: systemClock, takeOver: options.takeOver ?? false, notify }
    const feeds = await prepareFeeds(list, feeding)
    const engine = await startPipelines(list, {
      ...engineDefaults,
      log,
      signal: signals.signal,
      clock: systemClock,
      name: options.name ?? 'main',
      print: options.print ?? printToStdout,
      notify,
      ...chosen(options),
    })
    const deliveries = await startDeliveries(engine, {
      log,
      clock: systemClock,
      random: systemRandom,
      takeOver: options.takeOver ?? false,
      notify,
    })
    const sources = await startSources(feeds, { engine, deliveries, ...feeding })
    return running(engine, { own, signals, notify, awaited, deliveries, sources })
  } catch (thrown) {
    signals.release()
    await own?.close()
    throw thrown
  }
}

function running(
  engine: EngineRun,
  parts: {
    readonly own: Log | null
    readonly signals: StopSignals
    readonly notify: (event: HostEvent) => void
    readonly awaited: Awaited
    readonly deliveries: Deliveries
    readonly sources: Sources
  },
): Running {
  const { own, signals, notify, awaited, deliveries, sources } = parts
  // What fails ends the others in an orderly way.
  const stop = async (): Promise<void> => {
    await sources.stop()
    await engine.stop()
  }
  deliveries.done.catch(stop)
  sources.done.catch(stop)
  const done = (async (): Promise<void> => {
    try {
      await engine.done
    } finally {
      await stop()
      await deliveries.stop()
      signals.release()
      await own?.close()
    }
    await deliveries.done
    await sources.done
  })()
  done.catch((error: unknown) => notify({ kind: 'failed', error }))
  signals.tell(() => void stop())
  return {
    done,
    stop: async () => {
      await stop()
      await done.catch(() => {})
    },
    status: () => engine.status(),
    waitsFor: () => awaited.texts,
    explain: () => engine.explain(),
    deliveries: () => deliveries.status(),
    sources: () => sources.status(),
  }
}

/**
 * What asks a run to end, from before its start to its end: SIGINT, SIGTERM, the caller's signal.
 */
class StopSignals {
  readonly #controller = new AbortController()
  readonly #asked: AbortSignal | undefined
  readonly #onSignal = (): void => this.#controller.abort()

  constructor(isWanted: boolean, asked: AbortSignal | undefined) {
    if (isWanted) for (const name of stopSignals) process.on(name, this.#onSignal)
    this.#asked = asked
    asked?.addEventListener('abort', this.#onSignal)
    if (asked?.aborted === true) this.#onSignal()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Sets what a signal does; at once when one has come already. */
  tell(stop: () => void): void {
    if (this.signal.aborted) stop()
    else this.signal.addEventListener('abort', stop)
  }

  /** Signals do again what they did before. */
  release(): void {
    for (const name of stopSignals) process.off(name, this.#onSignal)
    this.#asked?.removeEventListener('abort', this.#onSignal)
  }
}

const stopSignals = ['SIGINT', 'SIGTERM'] as const

function openOwn(options: RunOptions, tell: (notice: LogNotice) => void): Promise<Log> {
  const { log, data } = options
  if (typeof log === 'object') {
    return (log as LogOpener).openLog({ data: dataDirectory(data), tell })
  }
  return openLog({
    tell,
    ...(log === undefined ? {} : { log }),
    ...(data === undefined ? {} : { data }),
  })
}

function chosen(
  options: RunOptions,
): Partial<Pick<RunOptions, 'tasks' | 'takeOver' | 'startAt' | 'commitEveryMs'>> {
  const { tasks, takeOver, startAt, commitEveryMs } = options
  return {
    ...(tasks === undefined ? {} : { tasks }),
    ...(takeOver === undefined ? {} : { takeOver }),
    ...(startAt === undefined ? {} : { startAt }),
    ...(commitEveryMs === undefined ? {} : { commitEveryMs }),
  }
}

function printToStdout(text: string): void {
  process.stdout.write(text)
}

function notifyOnStderr(event: HostEvent): void {
  switch (event.kind) {
    case 'waiting':
      process.stderr.write(
        `millrace: ${errorLine(event.error)}; trying again in ${event.inMs} ms\n`,
      )
      return
    case 'restoring':
      process.stderr.write(`millrace: ${restoringLine(event)}\n`)
      return
    case 'lost':
      if (event.reason === 'rebalanced') return
      process.stderr.write(
        `millrace: tasks ${event.tasks.join(', ')} were lost; ` +
          'what was not committed is done again by whoever has them now\n',
      )
      return
    case 'hand-over-failed':
      process.stderr.write(
        `millrace: task ${event.task} was given up without its last commit: ` +
          `${errorLine(event.error)}\n`,
      )
      return
    case 'retrying':
      process.stderr.write(
        `millrace: task ${event.task}: ${errorLine(event.error)}; ` +
          `trying again in ${event.inMs} ms\n`,
      )
      return
    case 'trim-failed':
      process.stderr.write(
        `millrace: task ${event.task}: records already read could not be freed: ` +
          `${errorLine(event.error)}\n`,
      )
      return
    case 'orphans':
      process.stderr.write(
        `millrace: task ${event.task}: state of steps that are gone is dropped: ` +
          `${event.stores.join(', ')}\n`,
      )
      return
    case 'results-dropped':
      process.stderr.write(
        `millrace: task ${event.task}: ${event.pending} results did not come in time; ` +
          'what was done since the last commit will be done again\n',
      )
      return
    case 'blocked':
      process.stderr.write(`millrace: ${blockedLine(event)}\n`)
      return
    case 'sink-away':
    case 'sink-back':
    case 'sink-dead':
    case 'source-retrying':
    case 'source-ended':
      process.stderr.write(`millrace: ${connectLine(event)}\n`)
      return
    case 'log':
      process.stderr.write(`millrace: ${event.text}\n`)
      return
    case 'failed':
      process.stderr.write(`millrace: ${errorLine(event.error)}\n`)
      process.exitCode = 1
      return
    default:
  }
}

/** How far a task's restore has come, in one line. */
export function restoringLine(event: RestoreProgress & { readonly task: string }): string {
  const { task, blobs, bytes, share } = event
  const percent = share === 0 ? '' : `${Math.floor(share * 100)} % of it, `
  const megabytes = (bytes / 1_048_576).toFixed(1)
  return `task ${task} restores its state: ${percent}${megabytes} MiB in ${blobs} commits so far`
}

/** Which task's code did not give way, and where it stands. */
export function blockedLine(event: {
  readonly task: string
  readonly ms: number
  readonly positions: readonly string[]
}): string {
  const seconds = (event.ms / 1_000).toFixed(1)
  return (
    `task ${event.task} kept the thread busy for ${seconds} s without a pause, up to ` +
    `${event.positions.join(', ')} - give long computations to mapAsync and a worker`
  )
}

/** What happened and what to do, in one line. */
export function errorLine(thrown: unknown): string {
  const hint =
    thrown instanceof MillraceError && thrown.hint !== undefined ? ` - ${thrown.hint}` : ''
  return `${messageOf(thrown)}${hint}`
}
