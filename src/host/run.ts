/** `run`: the pipelines of this process, from start to an orderly end by Ctrl-C. */
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import type { DeliveryStatus } from '../connect/delivery/deliver.ts'
import type { SourceStatus } from '../connect/source-runner.ts'
import type { TaskStatus } from '../engine/task-status.ts'
import type { EngineRun, TaskTime } from '../engine/run.ts'
import { engineDefaults, startPipelines } from '../engine/run.ts'
import type { Log, StartAt } from '../log/log.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { pipelinesOf } from '../pipeline/pipelines-of.ts'
import type { HttpOptions } from '../server/http-options.ts'
import { type Deliveries, startDeliveries } from './deliveries.ts'
import { markLater } from './collector.ts'
import { notifyOnStderr } from './event-line.ts'
import type { HostEvent } from './host-event.ts'
import { openHttp, type ProcessHttp } from './http.ts'
import { prepareFeeds, type Sources, startSources } from './feeds.ts'
import { dataDirectory, openLog } from './open-log.ts'
import type { LogName, LogOpener } from './log-name.ts'
import { Awaited } from './log-notice.ts'
import type { LogNotice } from './log-notice.ts'

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
  /**
   * Takes records and shows what is there over HTTP: docs/http.md. Default: MILLRACE_HTTP
   * (`[HOST:]PORT`), else none.
   */
  readonly http?: HttpOptions
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
  /** Where it is reached by HTTP, as `http://127.0.0.1:7070`; null: it is not. */
  readonly httpUrl: string | null
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
export function run(
  pipelines: Pipeline | readonly Pipeline[],
  options: RunOptions = {},
): Promise<Running> {
  return runBeside(pipelines, options, noSources)
}

/** As `run`; over HTTP, sources that the caller runs beside it are shown as well. */
export async function runBeside(
  pipelines: Pipeline | readonly Pipeline[],
  options: RunOptions,
  others: () => SourceStatus<unknown>[],
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
  let http: ProcessHttp | null = null
  try {
    const { log: given } = options
    const isOpen = typeof given === 'object' && !('openLog' in given)
    if (!isOpen) own = await openOwn(options, tell)
    const log = own ?? (given as Log)
    const name = options.name ?? 'main'
    http = await openHttp(options.http, { log, pipelines: list, name, notify, awaited })
    const feeding = { log, clock: systemClock, takeOver: options.takeOver ?? false, notify }
    const feeds = await prepareFeeds(list, feeding)
    const engine = await startPipelines(list, {
      ...engineDefaults,
      log,
      signal: signals.signal,
      clock: systemClock,
      name,
      print: options.print ?? printToStdout,
      notify,
      ...chosen(options),
      // Counted where somebody can ask for it.
      ...(http === null ? {} : { stepClock: () => systemClock.monotonic() * 1e6 }),
    })
    const shown = { engine, deliveries: noDeliveries, sources: others }
    http?.serve(shown)
    const deliveries = await startDeliveries(engine, {
      log,
      clock: systemClock,
      random: systemRandom,
      takeOver: options.takeOver ?? false,
      notify,
    })
    shown.deliveries = () => deliveries.status()
    const sources = await startSources(feeds, { engine, deliveries, ...feeding })
    shown.sources = () => [...sources.status(), ...others()]
    return running(engine, { own, signals, notify, awaited, deliveries, sources, http })
  } catch (thrown) {
    signals.release()
    await http?.close()
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
    readonly http: ProcessHttp | null
  },
): Running {
  const { own, signals, notify, awaited, deliveries, sources, http } = parts
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
      await http?.close()
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
    httpUrl: http?.url ?? null,
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

/** Until they have started. */
const noDeliveries = (): DeliveryStatus[] => []
const noSources = (): SourceStatus<unknown>[] => []

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
