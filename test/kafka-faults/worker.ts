/**
 * One of the equal processes. Arguments: brokers, settings as JSON (`WorkerSettings`). Says every
 * half second on standard output how it stands, as a line of JSON (`WorkerStatus`); all events of
 * the run, the group and the connections go to standard error.
 */
import { messageOf } from '../../src/core/error.ts'
import { run } from '../../src/index.ts'
import { kafka } from '../../src/kafka.ts'
import { pipelineName, pipelines } from './scenario.ts'

export interface WorkerSettings {
  readonly instanceId: string
  /** All share it, as on one machine. */
  readonly stateDirectory: string
  readonly standbys: number
  readonly sessionTimeoutMs: number
  readonly transactionTimeoutMs: number
}

export interface WorkerStatus {
  /** Of each task that it has: its name, and records that it has still to process. */
  readonly tasks: readonly (readonly [task: string, lag: number])[]
}

const statusEveryMs = 500

const [brokers = '', text = '{}'] = process.argv.slice(2)
const settings = JSON.parse(text) as WorkerSettings

const say = (what: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${what}\n`)
}

const tell = (event: { readonly kind: string; readonly error?: unknown }): void => {
  const { error } = event
  const stack = event.kind === 'failed' && error instanceof Error ? `\n${error.stack}` : ''
  say(`${JSON.stringify(event)}${error === undefined ? '' : `: ${messageOf(error)}`}${stack}`)
  if (event.kind === 'failed') process.exitCode = 1
}

say(`pid ${process.pid} starts`)
const running = await run(pipelines, {
  name: pipelineName,
  tasks: 'per-partition',
  log: kafka({ brokers: brokers.split(','), ...settings, notify: tell }),
  notify: tell,
})
say('runs')
const timer = setInterval(() => {
  const tasks = running.status().map(({ task, inputs }) => {
    return [task, inputs.reduce((all, { lag }) => all + lag, 0)] as const
  })
  process.stdout.write(`${JSON.stringify({ tasks } satisfies WorkerStatus)}\n`)
}, statusEveryMs)
await running.done.catch(() => {}) // told as an event
clearInterval(timer)
say('ends')
