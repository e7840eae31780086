/**
 * The one error class. Code decides by `code`, `retry` and `outcome`; nobody parses a message.
 * The message is one clause with the values; `hint` says what to do.
 */

/**
 * Every code there is, with whose fault it is and whether trying again helps.
 * `docs/reference/errors.md` is made from it.
 */
export const errorTable = {
  'invalid-argument': {
    blame: 'user',
    retry: 'never',
    text: 'an option or argument has a value that is not allowed',
  },
  'invalid-duration': {
    blame: 'user',
    retry: 'never',
    text: "a duration is not written like '250ms', '5s', '10m', '2h' or '1d'",
  },
  'invalid-plan': {
    blame: 'user',
    retry: 'never',
    text: 'the pipeline cannot be turned into a plan',
  },
  'invalid-schema': {
    blame: 'user',
    retry: 'never',
    text: 'a schema is not a synchronous Standard Schema',
  },
  'unknown-topic': { blame: 'user', retry: 'never', text: 'the topic does not exist' },
  'topic-exists': {
    blame: 'user',
    retry: 'never',
    text: 'a topic of that name exists with other settings',
  },
  'invalid-topic': {
    blame: 'user',
    retry: 'never',
    text: 'a topic name or setting is not allowed',
  },
  'unknown-partition': { blame: 'user', retry: 'never', text: 'the topic has no such partition' },
  'offset-out-of-range': {
    blame: 'user',
    retry: 'never',
    text: 'the offset is before the first or after the last kept record',
  },
  'record-too-large': {
    blame: 'user',
    retry: 'never',
    text: 'a record is larger than the topic accepts',
  },
  'decode-failed': { blame: 'external', retry: 'never', text: 'bytes do not decode to a value' },
  'encode-failed': {
    blame: 'user',
    retry: 'never',
    text: 'a value cannot be written by the codec of its topic',
  },
  'validation-failed': {
    blame: 'external',
    retry: 'never',
    text: 'a value does not fit the schema',
  },
  'wrong-partition': {
    blame: 'user',
    retry: 'never',
    text: 'a record does not lie in the partition of its key',
  },
  'step-failed': { blame: 'user', retry: 'never', text: "a step's function threw" },
  'task-fenced': {
    blame: 'external',
    retry: 'reopen',
    text: 'another run has taken the task over',
  },
  'pipeline-running': {
    blame: 'user',
    retry: 'never',
    text: 'another process runs a pipeline of this name on this log',
  },
  'commit-unknown': {
    blame: 'external',
    retry: 'reopen',
    text: 'a commit failed in a way that leaves open whether it happened',
  },
  'disk-full': { blame: 'external', retry: 'backoff', text: 'the disk has no room left' },
  'log-busy': {
    blame: 'external',
    retry: 'backoff',
    text: 'another process held the log for too long',
  },
  'log-read-only': { blame: 'user', retry: 'never', text: 'the data directory cannot be written' },
  'log-damaged': { blame: 'external', retry: 'never', text: 'the data file is damaged' },
  'log-version': {
    blame: 'user',
    retry: 'never',
    text: 'the data file was written by a newer version',
  },
  'log-failed': { blame: 'external', retry: 'backoff', text: 'the log could not read or write' },
  'log-closed': { blame: 'user', retry: 'never', text: 'the log or session was closed' },
  'log-unreachable': {
    blame: 'external',
    retry: 'backoff',
    text: 'no broker answers, or the connection was lost',
  },
  'log-unsupported': {
    blame: 'user',
    retry: 'never',
    text: 'the log, or this version of the broker, cannot do what was asked',
  },
  'not-authorised': {
    blame: 'user',
    retry: 'never',
    text: 'the broker refuses the login, or what it was asked to do',
  },
  'unsupported-codec': {
    blame: 'external',
    retry: 'never',
    text: 'a batch is compressed in a way that is not known',
  },
  'state-lost': {
    blame: 'external',
    retry: 'never',
    text: 'offsets were committed, but the state that belongs to them is gone',
  },
  'registry-failed': {
    blame: 'external',
    retry: 'backoff',
    text: 'the schema registry does not answer, or refuses',
  },
  'missing-dependency': {
    blame: 'user',
    retry: 'never',
    text: 'an optional package is not installed',
  },
  'source-failed': { blame: 'external', retry: 'backoff', text: 'a source could not be read' },
  'sink-refused': {
    blame: 'external',
    retry: 'never',
    text: 'a destination will not take a record, however often it is tried',
  },
  'sink-failed': {
    blame: 'external',
    retry: 'backoff',
    text: 'a record could not be delivered',
  },
  'sink-unavailable': {
    blame: 'external',
    retry: 'backoff',
    text: 'a destination is away: no record can be delivered to it now',
  },
  'file-not-found': { blame: 'user', retry: 'never', text: 'a file does not exist' },
  'invalid-pipeline-file': {
    blame: 'user',
    retry: 'never',
    text: 'a file does not export a pipeline',
  },
  'simulation-failed': {
    blame: 'user',
    retry: 'never',
    text: 'a simulated run with faults did not give what the run without gives',
  },
  'not-deterministic': {
    blame: 'user',
    retry: 'never',
    text: 'the same input gave different results in two runs without faults',
  },
  'state-corrupt': {
    blame: 'engine',
    retry: 'never',
    text: 'restored state does not fit what was written',
  },
  'assertion-failed': {
    blame: 'engine',
    retry: 'reopen',
    text: 'an invariant of the engine does not hold',
  },
} as const satisfies Record<string, { blame: Blame; retry: Retry; text: string }>

export type Blame = 'user' | 'external' | 'engine'
export type Retry = 'never' | 'backoff' | 'reopen'
/** For whatever writes: did it happen? Only `not-applied` may be retried blindly. */
export type Outcome = 'not-applied' | 'unknown'
export type ErrorCode = keyof typeof errorTable

/** The place an error happened. Every field is optional; give what is known. */
export interface ErrorPlace {
  readonly pipeline?: string
  readonly step?: string
  readonly task?: string
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  readonly file?: string
  readonly line?: number
}

export interface ErrorDetails {
  readonly hint?: string
  readonly at?: ErrorPlace
  readonly cause?: unknown
  readonly outcome?: Outcome
  /** When whoever refused wants to be asked again, ms from now. */
  readonly retryAfterMs?: number
}

/**
 * What Millrace throws. `message` is one clause with the values, then the place; `hint` says what
 * to do.
 * @example
 * throw new MillraceError('unknown-topic', "topic 'orders' does not exist", {
 *   hint: 'create it: millrace topics create orders --partitions 1', at: { topic: 'orders' } })
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: ErrorCode
  readonly blame: Blame
  readonly retry: Retry
  readonly outcome: Outcome
  readonly hint: string | undefined
  readonly retryAfterMs: number | undefined
  readonly at: ErrorPlace

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const place = placeText(details.at)
    super(
      place === '' ? message : `${message} (${place})`,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    this.blame = errorTable[code].blame
    this.retry = errorTable[code].retry
    this.outcome = details.outcome ?? 'not-applied'
    this.hint = details.hint
    this.retryAfterMs = details.retryAfterMs
    this.at = details.at ?? {}
  }
}

/**
 * `pipeline 'a', step 'map', orders/3@17`: the place as a reader wants it; empty where nothing is
 * known.
 */
export function placeText(at: ErrorPlace | undefined): string {
  if (at === undefined) return ''
  const parts: string[] = []
  if (at.pipeline !== undefined) parts.push(`pipeline '${at.pipeline}'`)
  if (at.step !== undefined) parts.push(`step '${at.step}'`)
  if (at.task !== undefined) parts.push(`task '${at.task}'`)
  if (at.topic !== undefined) {
    const partition = at.partition === undefined ? '' : `/${at.partition}`
    const offset = at.offset === undefined ? '' : `@${at.offset}`
    parts.push(`${at.topic}${partition}${offset}`)
  }
  if (at.file !== undefined) parts.push(at.line === undefined ? at.file : `${at.file}:${at.line}`)
  return parts.join(', ')
}

/** The message of anything thrown, one line, without a stack. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message
  return typeof thrown === 'string' ? thrown : String(thrown)
}

/** True where `thrown` is a MillraceError with this code. */
export function isCode(thrown: unknown, code: ErrorCode): thrown is MillraceError {
  return thrown instanceof MillraceError && thrown.code === code
}
