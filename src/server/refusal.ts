/**
 * What the server does not do, as an answer: a status, a code, and what is wrong where. Written as
 * `application/problem+json` (RFC 9457).
 */
import { type ErrorCode, messageOf, MillraceError } from '../core/error.ts'

/** Codes of the server's own; those of `MillraceError` stand beside them. */
export type RefusalCode =
  | ErrorCode
  | 'not-found'
  | 'method-not-allowed'
  | 'bad-request'
  | 'unsupported-media-type'
  | 'body-too-large'
  | 'unauthorised'
  | 'forbidden'
  | 'too-many-requests'
  | 'idempotency-key-reused'
  | 'closing'
  | 'internal'

/** One thing that is wrong with what was sent. */
export interface Issue {
  /** Line of an NDJSON body, from 1. */
  readonly line?: number
  /** Index of the record in a JSON array, from 0. */
  readonly record?: number
  /** Parameter, header, or path within the record. */
  readonly field?: string
  readonly detail: string
}

export interface RefusalDetails {
  readonly hint?: string | undefined
  readonly issues?: readonly Issue[]
  readonly headers?: Readonly<Record<string, string>>
}

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: RefusalCode
  readonly hint: string | undefined
  readonly issues: readonly Issue[]
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: RefusalCode, detail: string, more: RefusalDetails = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.hint = more.hint
    this.issues = more.issues ?? []
    this.headers = more.headers ?? {}
  }
}

/** Too much at once: come back after so many seconds, at least one. */
export function tooMany(detail: string, retryAfterMs: number, hint?: string): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000))
  return new Refusal(429, 'too-many-requests', detail, {
    hint,
    headers: { 'Retry-After': String(seconds) },
  })
}

/** Seconds after which a log that has failed is worth another try. */
const retryLogSeconds = '1'

/** The answer to whatever was thrown. What is not for the sender's eyes stays out of it. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown
  if (!(thrown instanceof MillraceError)) return internal()
  const { code, hint } = thrown
  const status = statusOf(thrown)
  if (status === 500) return internal()
  const isUnknown = thrown.outcome === 'unknown'
  return new Refusal(status, code, messageOf(thrown), {
    hint: isUnknown ? 'send it again with the same Idempotency-Key' : hint,
    ...(status === 503 ? { headers: { 'Retry-After': retryLogSeconds } } : {}),
  })
}

function internal(): Refusal {
  return new Refusal(500, 'internal', 'the server failed at this request', {
    hint: 'what happened stands in its log',
  })
}

function statusOf({ code, retry, outcome }: MillraceError): number {
  if (outcome === 'unknown') return 503
  switch (code) {
    case 'unknown-topic':
    case 'unknown-partition':
      return 404
    case 'invalid-argument':
    case 'invalid-topic':
    case 'offset-out-of-range':
    case 'decode-failed':
      return 400
    case 'validation-failed':
      return 422
    case 'record-too-large':
      return 413
    case 'log-closed':
    case 'log-read-only':
      return 503
    default:
      return retry === 'never' ? 500 : 503
  }
}

/** The body of the answer. */
export function problemOf(refusal: Refusal): Record<string, unknown> {
  const { status, code, message, hint, issues } = refusal
  return {
    status,
    code,
    detail: message,
    ...(hint === undefined ? {} : { hint }),
    ...(issues.length === 0 ? {} : { issues }),
  }
}
