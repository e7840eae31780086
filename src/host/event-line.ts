/** What goes on in a run, in a line for people. */
import { messageOf, MillraceError } from '../core/error.ts'
import type { RestoreProgress } from '../engine/restore-task.ts'
import { connectLine } from './connect-line.ts'
import type { HostEvent } from './host-event.ts'

/** One line on standard error for what goes wrong, and exit code 1 when the run fails. */
export function notifyOnStderr(event: HostEvent): void {
  const line = wrongLine(event)
  if (line !== null) process.stderr.write(`millrace: ${line}\n`)
  if (event.kind === 'failed') process.exitCode = 1
}

/** What goes wrong, in one line; null: all is as it should be. */
export function wrongLine(event: HostEvent): string | null {
  switch (event.kind) {
    case 'waiting':
      return `${errorLine(event.error)}; trying again in ${event.inMs} ms`
    case 'lost':
      if (event.reason === 'rebalanced') return null
      return (
        `tasks ${event.tasks.join(', ')} were lost; ` +
        'what was not committed is done again by whoever has them now'
      )
    case 'log':
    case 'http':
      return event.text
    case 'failed':
      return errorLine(event.error)
    case 'sink-away':
    case 'sink-back':
    case 'sink-dead':
    case 'source-retrying':
    case 'source-notice':
    case 'source-refused':
    case 'source-ended':
      return connectLine(event)
    default:
      return taskLine(event)
  }
}

function taskLine(event: HostEvent): string | null {
  switch (event.kind) {
    case 'restoring':
      return restoringLine(event)
    case 'hand-over-failed':
      return `task ${event.task} was given up without its last commit: ${errorLine(event.error)}`
    case 'retrying':
      return `task ${event.task}: ${errorLine(event.error)}; trying again in ${event.inMs} ms`
    case 'trim-failed':
      return (
        `task ${event.task}: records already read could not be freed: ` + errorLine(event.error)
      )
    case 'orphans':
      return (
        `task ${event.task}: state of steps that are gone is dropped: ` + event.stores.join(', ')
      )
    case 'results-dropped':
      return (
        `task ${event.task}: ${event.pending} results did not come in time; ` +
        'what was done since the last commit will be done again'
      )
    case 'blocked':
      return blockedLine(event)
    default:
      return null
  }
}

/** How far a task's restore has come, in one line. */
function restoringLine(event: RestoreProgress & { readonly task: string }): string {
  const { task, blobs, bytes, share } = event
  const percent = share === 0 ? '' : `${Math.floor(share * 100)} % of it, `
  const megabytes = (bytes / 1_048_576).toFixed(1)
  return `task ${task} restores its state: ${percent}${megabytes} MiB in ${blobs} commits so far`
}

/** Which task's code did not give way, and where it stands. */
function blockedLine(event: {
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
