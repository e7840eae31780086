/** The pipelines of a file, from import to an orderly end. */
import { dataDirectory } from '../host/open-log.ts'
import type { TaskStatus } from '../engine/run.ts'
import { connectLine } from '../host/connect-line.ts'
import { blockedLine, errorLine, restoringLine } from '../host/event-line.ts'
import type { HostEvent } from '../host/host-event.ts'
import { run, type RunOptions } from '../host/run.ts'
import type { StartAt } from '../log/log.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { formatCount } from './text-format.ts'
import { catchInterrupt, type Context } from './context.ts'
import type { DataOptions } from './data-options.ts'
import { asFileFault, loadPipelineFile, type PipelineFile, pipelinesIn } from './pipeline-file.ts'

export interface RunFileOptions extends DataOptions {
  readonly name?: string
  readonly tasks?: 'one' | 'per-partition'
  readonly takeOver?: true
  readonly from?: StartAt
}

/** Returns when the pipelines have ended by Ctrl-C or SIGTERM. @throws what ended them */
export async function runFile(
  file: string,
  options: RunFileOptions,
  context: Context,
): Promise<void> {
  // A file that calls run() itself asks the environment where its log is.
  if (options.data !== undefined) process.env['MILLRACE_DATA'] = options.data
  if (options.log !== undefined) process.env['MILLRACE_LOG'] = options.log
  const ownRun = watchOwnRun()
  const loaded = await loadPipelineFile(file)
  if (loaded.pipelines !== null) return await runLoaded(loaded, options, context)
  await ownRun.end()
  if (!ownRun.wasStarted()) pipelinesIn(loaded) // throws: there was nothing to run
}

async function runLoaded(
  loaded: PipelineFile,
  options: RunFileOptions,
  context: Context,
): Promise<void> {
  const pipelines = pipelinesIn(loaded)
  const interrupt = catchInterrupt()
  try {
    const { signal } = interrupt
    const running = await start(pipelines, loaded, { options, context, signal })
    const stop = (): void => {
      void running.stop()
    }
    if (interrupt.signal.aborted) stop()
    interrupt.signal.addEventListener('abort', stop)
    void context.stdout.closed.then(stop)
    await running.done
    context.note(`millrace: stopped; ${summary(running.status())}; all of it is committed`)
  } finally {
    interrupt.release()
  }
}

/** What this run has done; letters are named, so that nobody overlooks them. */
function summary(tasks: readonly TaskStatus[]): string {
  const total = (name: keyof TaskStatus['counters']): number =>
    tasks.reduce((sum, { counters }) => sum + counters[name], 0)
  const out = total('recordsOut') - total('late') - total('dead') // letters are told apart
  const parts = [`${formatCount(total('recordsIn'))} in`, `${formatCount(out)} out`]
  const topics = [...new Set(tasks.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)))]
  for (const kind of ['late', 'dead'] as const) {
    if (total(kind) === 0) continue
    const places = topics.map((topic) => `${topic}.${kind}`).join(', ')
    parts.push(`${formatCount(total(kind))} ${kind} (kept in ${places})`)
  }
  return parts.join(', ')
}

async function start(
  pipelines: Pipeline | readonly Pipeline[],
  loaded: PipelineFile,
  { options, context, signal }: { options: RunFileOptions; context: Context; signal: AbortSignal },
): ReturnType<typeof run> {
  const { data, log, takeOver, tasks, from } = options
  try {
    return await run(pipelines, {
      name: options.name ?? loaded.name,
      signals: false,
      signal,
      ...(data === undefined ? {} : { data }),
      ...(log === undefined ? {} : { log: log as NonNullable<RunOptions['log']> }),
      ...(takeOver === undefined ? {} : { takeOver }),
      ...(tasks === undefined ? {} : { tasks }),
      ...(from === undefined ? {} : { startAt: from }),
      print: (text) => {
        void context.stdout.write(text)
      },
      notify: (event) => notify(event, { context, place: placeOf(options) }),
    })
  } catch (thrown) {
    throw asFileFault(thrown, loaded)
  }
}

/** For people: where the pipeline runs. */
function placeOf({ data, log }: RunFileOptions): string {
  const kind = log ?? process.env['MILLRACE_LOG'] ?? 'embedded'
  return kind.startsWith('kafka://') ? (kind.split('?')[0] ?? kind) : dataDirectory(data)
}

function notify(event: HostEvent, { context, place }: { context: Context; place: string }): void {
  switch (event.kind) {
    case 'started':
      context.note(`millrace: pipeline '${event.pipeline}' runs on ${place}; Ctrl-C stops it`)
      return
    case 'waiting':
      context.note(`millrace: ${errorLine(event.error)}; trying again in ${event.inMs} ms`)
      return
    case 'restoring':
      context.note(`millrace: ${restoringLine(event)}`)
      return
    case 'gained':
      context.note(`millrace: tasks ${event.tasks.join(', ')} have come to this process`)
      return
    case 'lost':
      context.note(
        event.reason === 'rebalanced'
          ? `millrace: tasks ${event.tasks.join(', ')} go to another process`
          : `millrace: tasks ${event.tasks.join(', ')} were lost; what was not committed ` +
              'is done again by whoever has them now',
      )
      return
    case 'hand-over-failed':
      context.note(
        `millrace: task ${event.task} was given up without its last commit: ` +
          errorLine(event.error),
      )
      return
    case 'retrying':
      context.note(
        `millrace: task ${event.task}: ${errorLine(event.error)}; trying again in ${event.inMs} ms`,
      )
      return
    case 'blocked':
      context.note(`millrace: ${blockedLine(event)}`)
      return
    case 'sink-away':
    case 'sink-back':
    case 'sink-dead':
    case 'source-retrying':
    case 'source-notice':
    case 'source-ended':
      context.note(`millrace: ${connectLine(event)}`)
      return
    case 'log':
      context.note(`millrace: ${event.text}`)
      return
    case 'orphans':
      context.note(
        `millrace: task ${event.task}: state of steps that are gone is dropped: ` +
          event.stores.join(', '),
      )
      return
    default: // what ends the run is thrown
  }
}

interface OwnRun {
  /** Whether the file has called `run`, which listens for Ctrl-C. */
  wasStarted(): boolean
  /**
   * Resolves when nothing is left to do in this process.
   * @throws what the file's own code rejected with
   */
  end(): Promise<void>
}

/** Watches for a file that calls `run` itself, with or without waiting for it. */
function watchOwnRun(): OwnRun {
  let started = false
  process.on('newListener', (event) => {
    if (event === 'SIGINT') started = true
  })
  return {
    wasStarted: () => started,
    end: () =>
      new Promise((resolve, reject) => {
        process.once('beforeExit', () => resolve())
        process.on('unhandledRejection', reject)
      }),
  }
}
