/** One request of a producer, made again for as long as its errors may pass by themselves. */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { ErrorPlace } from '../../../core/error.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster, Target } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { pause } from '../wire/retrying.ts'
import { errorOf, isAgain, verdictOf } from './transaction-errors.ts'
import type { ProducerRequest, Verdict } from './transaction-errors.ts'

/** After a commit its markers are written, 1 to 10 ms; the next transaction waits for them. */
const pollMs = 1
/** A coordinator that stays busy is asked less and less often. */
const pollMsMax = 20
const pauseMs = 20
const pauseMsMax = 500

/** A code of an answer, and what it is about. */
export interface Said extends ErrorPlace {
  readonly code: number
}

export interface Question<Request, Answer> {
  readonly cluster: Cluster
  readonly to: Exclude<Target, 'any' | { readonly node: number }>
  readonly api: Api<Request, Answer>
  readonly request: Request
  readonly name: ProducerRequest
  /** The name once an attempt may have been done. Default: the same. */
  readonly nameAgain?: ProducerRequest
  readonly codes: (answer: Answer) => readonly Said[]
  /** Of the connection, among those for transactions. Default 0. */
  readonly lane?: number
  /** On the monotonic clock; no attempt is begun after it. */
  readonly deadlineMs: number
}

export interface Reply<Answer> {
  /** `late`: the deadline came. */
  readonly verdict: Verdict | 'late'
  readonly code: number
  /** null where nothing was answered. */
  readonly answer: Answer | null
  /** What to throw; null when it was done. */
  readonly error: MillraceError | null
  /** An attempt without an answer may have been done, and may yet be done late. */
  readonly isUnsure: boolean
}

/** Never throws what a broker or a connection does. */
export async function persist<Request, Answer>(
  question: Question<Request, Answer>,
): Promise<Reply<Answer>> {
  const { cluster, deadlineMs } = question
  let isUnsure = false
  let polls = 0
  let waits = 0
  for (;;) {
    const tried = await attempt(question, isUnsure)
    if (tried.isUnsure) isUnsure = true
    if (!isAgain(tried.verdict)) {
      const { verdict, code, answer, error } = tried
      return { verdict, code, answer, error, isUnsure }
    }
    const isPoll = tried.verdict === 'poll'
    const ms = isPoll
      ? Math.min(pollMs + Math.floor(polls++ / 50), pollMsMax)
      : Math.min(pauseMs * 2 ** Math.min(waits++ >> 2, 5), pauseMsMax)
    if (cluster.clock.monotonic() + ms >= deadlineMs) {
      const { code, answer, error } = tried
      return { verdict: 'late', code, answer, error, isUnsure }
    }
    await pause(cluster.clock, ms)
  }
}

type Tried<Answer> = Omit<Reply<Answer>, 'verdict'> & { readonly verdict: Verdict }

async function attempt<Request, Answer>(
  question: Question<Request, Answer>,
  wasUnsure: boolean,
): Promise<Tried<Answer>> {
  const { cluster, to, api, request, codes, lane = 0 } = question
  const name = wasUnsure ? (question.nameAgain ?? question.name) : question.name
  let answer: Answer
  try {
    answer = await cluster.send(to, api, request, { purpose: 'transaction', lane })
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown
    // What was on the wire when the log was closed may have been done.
    const isUnsure = thrown.outcome === 'unknown' || isCode(thrown, 'log-closed')
    if (!isCode(thrown, 'log-unreachable')) {
      return { verdict: 'abort', code: -1, answer: null, error: thrown, isUnsure }
    }
    return {
      verdict: isUnsure ? 'unsure' : 'wait',
      code: -1,
      answer: null,
      error: thrown,
      isUnsure,
    }
  }
  const { code, ...at } = worst(name, codes(answer))
  const verdict = verdictOf(name, code)
  if (verdict === 'done') return { verdict, code, answer, error: null, isUnsure: false }
  if (verdict === 'moved' || (verdict === 'unsure' && isCoordinatorCode(code))) cluster.forget(to)
  const isUnsure = verdict === 'unsure'
  if (verdict === 'topic' && at.topic !== undefined && (await isGone(cluster, at.topic))) {
    const error = errorOf({ request: name, code, at, by: byOf(to) })
    return { verdict: 'refused', code, answer, error, isUnsure }
  }
  return { verdict, code, answer, error: failure(name, { code, ...at }, verdict, to), isUnsure }
}

function failure(
  name: ProducerRequest,
  { code, ...at }: Said,
  verdict: Verdict,
  to: Question<unknown, unknown>['to'],
): MillraceError {
  if (!isAgain(verdict)) return errorOf({ request: name, code, at, by: byOf(to) })
  const text = `${name.split(' ')[0]} of ${byOf(to)} is not answered: ${codeName(code)}`
  return new MillraceError('log-unreachable', text, { at })
}

/** The code that decides: one that is not going to pass before one that is. */
function worst(name: ProducerRequest, codes: readonly Said[]): Said {
  let found: Said = { code: errorCode.none }
  for (const said of codes) {
    // The others of a request of which one was refused.
    if (said.code === errorCode.none || said.code === errorCode.operationNotAttempted) continue
    if (!isAgain(verdictOf(name, said.code))) return said
    if (found.code === errorCode.none) found = said
  }
  return found
}

function isCoordinatorCode(code: number): boolean {
  return code === errorCode.coordinatorNotAvailable || code === errorCode.notCoordinator
}

/** Asked anew; a topic that was just made may be unknown to some broker for some ms. */
export async function isGone(cluster: Cluster, topic: string): Promise<boolean> {
  try {
    return !(await cluster.topics([topic], { fresh: true })).has(topic)
  } catch (thrown) {
    if (thrown instanceof MillraceError) return false // the next attempt says why
    throw thrown
  }
}

function byOf(to: Question<unknown, unknown>['to']): string {
  return 'group' in to ? `group '${to.group}'` : `'${to.transactionalId}'`
}
