/** What a try that failed says of the record and of the destination. */
import { isCode, messageOf, MillraceError } from '../../core/error.ts'

/**
 * `refused`: this record will never be taken. `unavailable`: no record would have been taken now.
 * `failed`: it may be either.
 */
export type FailureKind = 'refused' | 'unavailable' | 'failed'

/**
 * Codes of the system, of undici (fetch) and of TLS by which no connection came about, or one was
 * lost.
 */
const awayCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
])

/** `cause` within `cause`, no deeper. */
const depthMax = 5

export function failureKind(thrown: unknown): FailureKind {
  if (isCode(thrown, 'sink-refused')) return 'refused'
  if (isCode(thrown, 'sink-unavailable') || isAway(thrown, depthMax)) return 'unavailable'
  return 'failed'
}

function isAway(thrown: unknown, depth: number): boolean {
  if (!(thrown instanceof Error) || depth === 0) return false
  if (awayCodes.has((thrown as { code?: unknown }).code)) return true
  if (thrown instanceof AggregateError)
    return thrown.errors.length > 0 && thrown.errors.every((one) => isAway(one, depth - 1))
  return isAway(thrown.cause, depth - 1)
}

/** As status and dead letters show it. */
export function asSinkError(thrown: unknown, sink: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  return new MillraceError('sink-failed', `sink ${sink} failed: ${messageOf(thrown)}`, {
    cause: thrown,
  })
}
