/** The pipelines of a file, from import to an orderly end. */
import { dataDirectory } from '../host/open-log.ts'
import type { TaskStatus } from '../engine/task-status.ts'
import { run, type RunOptions } from '../host/run.ts'
import type { StartAt } from '../log/log.ts'
import type { Pipeline } from '../pipeline/node.ts'
import { formatCount } from './text-format.ts'
import { catchInterrupt, type Context } from './context.ts'
import type { DataOptions } from './data-options.ts'
import { eventText } from './event-text.ts'
import { type HttpCommandOptions, setHttpEnvironment } from './http-command-options.ts'
import { type LogFormatOptions, RunNotes } from './run-notes.ts'
import { asFileFault, loadPipelineFile, type PipelineFile, pipelinesIn } from './pipeline-file.ts'

export interface RunFileOptions extends DataOptions, HttpCommandOptions, LogFormatOptions {
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
  setHttpEnvironment(options)
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
  const notes = new RunNotes(options, context)
  const interrupt = catchInterrupt()
  try {
    const { signal } = interrupt
    const running = await start(pipelines, loaded, { options, context, notes, signal })
    const stop = (): void => {
      void running.stop()
    }
    if (interrupt.signal.aborted) stop()
    interrupt.signal.addEventListener('abort', stop)
    void context.stdout.closed.then(stop)
    await running.done
    notes.note('stopped', `stopped; ${summary(running.status())}; all of it is committed`)
  } catch (thrown) {
    notes.failed(thrown)
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
  {
    options,
    context,
    notes,
    signal,
  }: { options: RunFileOptions; context: Context; notes: RunNotes; signal: AbortSignal },
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
      notify: (event) => notes.event(event, eventText(event, placeOf(options))),
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
