/**
 * Why a window has not given its result, in sentences: for the terminal, the API and the page. What
 * is known of event time (engine/explain-time.ts) is put beside what else the process knows: where
 * its sources are, and what its tasks do.
 */
import type { SourceStatus } from '../connect/source-runner.ts'
import type { InputTime, StepTime } from '../engine/explain-time.ts'
import type { TaskStatus } from '../engine/task-status.ts'
import type { TaskTime } from '../engine/run.ts'

export interface Sentence {
  /** What is the case. */
  readonly text: string
  /** What would change it; '': nothing has to. */
  readonly remedy: string
}

export interface Known {
  /** Wall clock, ms. */
  readonly nowMs: number
  readonly sources: readonly SourceStatus<unknown>[]
  readonly tasks: readonly TaskStatus[]
}

export interface ExplainedStep extends StepTime {
  readonly text: string
}

export interface ExplainedTask extends Omit<TaskTime, 'steps'>, Sentence {
  readonly steps: readonly ExplainedStep[]
}

/** An input that moved so short a time ago holds nobody up. */
const goesOnMs = 2_000
/** Event time that is so far ahead of the clock has been moved by a wrong time. */
const futureMs = 60_000

export function explained(task: TaskTime, known: Known): ExplainedTask {
  const steps = task.steps.map((step) => ({ ...step, text: stepText(step, known.nowMs) }))
  return { ...task, ...taskSentence(task, known), steps }
}

/** Of the task as a whole: how far its event time is, and what holds it. */
export function taskSentence(task: TaskTime, known: Known): Sentence {
  const stopped = stoppedSentence(task, known)
  if (stopped !== null) return stopped
  const { watermarkMs, release } = task
  const reached =
    watermarkMs === null
      ? 'Event time has not begun'
      : `Event time has reached ${time(watermarkMs)}`
  if (watermarkMs !== null && watermarkMs - known.nowMs > futureMs) {
    const ahead = furthest(task.inputs)
    return {
      text:
        `${reached}, ${span(watermarkMs - known.nowMs)} ahead of the clock: a record of ` +
        `${place(ahead)} had a time in the future. Records of now come late.`,
      remedy:
        'Correct what sets the time; then discard the topic’s state (another pipeline name) or ' +
        'wait until the clock is there.',
    }
  }
  if (release === null) return { text: `${reached}: the task reads nothing.`, remedy: '' }
  switch (release.kind) {
    case 'results':
      return {
        text: `${reached}. ${release.pending} calls of an asynchronous step are under way.`,
        remedy: 'It goes on when they return, or when their time is over.',
      }
    case 'clock':
      return { text: `${reached}. All inputs are idle: it follows the clock.`, remedy: '' }
    case 'any-record':
      return {
        text: `${reached}. All inputs are idle, and one of them is set to wait (idle: 'wait').`,
        remedy: 'Any record moves it on.',
      }
    case 'record':
      return {
        text: `${reached}. ${heldText(task, known)}`,
        remedy: recordRemedy(task, release, known.nowMs),
      }
  }
}

/** A task that does not process at all. */
function stoppedSentence({ pipeline, task }: TaskTime, { tasks }: Known): Sentence | null {
  const status = tasks.find((one) => one.pipeline === pipeline && one.task === task)
  if (status?.state === 'restoring') {
    return { text: 'The task reads its state back; it takes no records yet.', remedy: '' }
  }
  if (status?.state === 'closed') {
    return {
      text: 'The task is closed: it has ended, or is about to be opened again after an error.',
      remedy: 'See what the process has written to standard error.',
    }
  }
  return null
}

function heldText({ heldBy }: TaskTime, known: Known): string {
  const [first, ...others] = heldBy
  if (first === undefined) return 'No input holds it.'
  const silentMs = known.nowMs - first.sinceMs
  const more = others.length === 0 ? '' : `, and ${others.length} more like it`
  if (first.hasBacklog) {
    return `It is held by ${place(first)}${more}, which has records that are not processed yet.`
  }
  if (goesOn(first, known.nowMs)) {
    return `Records come, and it moves on with the slowest input: ${place(first)}${more}.`
  }
  const silence =
    first.reachedMs === null
      ? `not one record has come from it for ${span(silentMs)}`
      : `which has not moved on for ${span(silentMs)}`
  const joint = first.reachedMs === null ? ':' : ','
  return `It is held by ${place(first)}${more}${joint} ${silence}.${sourceText(first, known)}`
}

function goesOn({ reachedMs, sinceMs }: InputTime, nowMs: number): boolean {
  return reachedMs !== null && nowMs - sinceMs < goesOnMs
}

/** Why nothing comes, where a source of this process feeds the topic. */
function sourceText({ topic }: InputTime, { sources }: Known): string {
  const own = sources.filter((one) => one.topic === topic)
  if (own.length === 0) return ''
  const words: Record<SourceStatus<unknown>['state'], string> = {
    running: 'runs, and gives nothing for this partition',
    retrying: 'cannot be read, and is tried again',
    ended: 'has ended: nothing more comes from it',
    stopped: 'was stopped',
    failed: 'has failed',
    elsewhere: 'is read by another process',
  }
  return own.map(({ source, state }) => ` Its source ${source} ${words[state]}.`).join('')
}

function recordRemedy(
  { heldBy }: TaskTime,
  release: Extract<TaskTime['release'], { kind: 'record' }>,
  nowMs: number,
): string {
  const { aboveMs, idleAtMs } = release
  if (heldBy.some(({ hasBacklog }) => hasBacklog)) return 'It goes on as they are processed.'
  if (heldBy.some((input) => goesOn(input, nowMs))) return ''
  const wanted =
    aboveMs === null
      ? `Any record of ${place(release)} moves it on`
      : `A record of ${place(release)} with a time above ${time(aboveMs)} moves it on`
  if (idleAtMs === null) {
    return `${wanted}. It never counts as idle: set idleAfter of the topic if it may be silent.`
  }
  const inMs = idleAtMs - nowMs
  return inMs <= 0
    ? `${wanted}; as none comes, it is about to count as idle.`
    : `${wanted}; if none comes, it counts as idle in ${span(inMs)} (idleAfter of the topic).`
}

/** Of one step: what it waits for. */
export function stepText({ watermarkMs, dueMs, clockDueMs }: StepTime, nowMs: number): string {
  if (dueMs === null && clockDueMs === null) {
    return 'Nothing is open in it: no record has reached it, or all of its results are given.'
  }
  const parts: string[] = []
  if (dueMs !== null) {
    const missing = watermarkMs === null ? '' : `, ${span(dueMs - watermarkMs)} of event time away`
    parts.push(`its next result comes when event time passes ${time(dueMs)}${missing}`)
  }
  if (clockDueMs !== null) {
    const inMs = clockDueMs - nowMs
    parts.push(inMs <= 0 ? 'the clock is about to call it' : `the clock calls it in ${span(inMs)}`)
  }
  const text = parts.join('; ')
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

function place({ topic, partition }: { topic: string; partition: number }): string {
  return `partition ${partition} of ${topic}`
}

function furthest(inputs: readonly InputTime[]): InputTime {
  return inputs.reduce((most, one) => ((one.reachedMs ?? 0) > (most.reachedMs ?? 0) ? one : most))
}

/** UTC, to the millisecond where it has any. */
function time(ms: number): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return `${ms} ms`
  return date.toISOString().replace('T', ' ').replace('.000Z', '').replace('Z', '')
}

function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}
