/** Why a connection could not be made or was lost, in words that say what to do. */
import { MillraceError, messageOf } from '../../../core/error.ts'
import type { Outcome } from '../../../core/error.ts'

export interface Trouble {
  readonly code: 'log-unreachable' | 'not-authorised'
  readonly reason: string
  readonly hint: string
}

/** How far a connection had come. */
export interface Progress {
  readonly usesTls: boolean
  readonly usesLogin: boolean
  /** `opening`: nothing was heard of the broker. `fresh`: it greets, but answered nothing yet. */
  readonly stage: 'opening' | 'fresh' | 'used'
}

export function errorOf(
  { code, reason, hint }: Trouble,
  place: string,
  outcome: Outcome,
): MillraceError {
  return new MillraceError(code, `broker ${place}: ${reason}`, { hint, outcome })
}

export function noAnswer(request: string, timeoutMs: number): Trouble {
  return unreachable(
    `no answer to ${request} within ${timeoutMs} ms`,
    'the broker may be paused, overloaded or cut off',
  )
}

/** @param thrown what the library gave; null: the connection was closed */
export function troubleOf(thrown: unknown, progress: Progress): Trouble {
  const errors = chainOf(thrown)
  const codes = errors.map(codeOf)
  const text = textOf(errors)
  const isClosed = text === '' || codes.some((code) => code === 'ECONNRESET' || code === 'EPIPE')
  return (
    certificateTrouble(codes, text) ??
    alertTrouble(codes, text, progress) ??
    systemTrouble(codes) ??
    (isClosed ? closedTrouble(progress) : unreachable(text, usualHint))
  )
}

function unreachable(reason: string, hint: string): Trouble {
  return { code: 'log-unreachable', reason, hint }
}

const caHint =
  "give the CA's certificate: tls.ca or MILLRACE_KAFKA_CA (PEM text or the path of a file)"

/** What is wrong with the broker's certificate, by Node's (OpenSSL's) code. */
const certificateFaults: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ['its certificate has expired', 'renew it on the broker'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'are the clocks right?'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is signed by itself', caHint],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is signed by a CA that is not trusted', caHint],
  UNABLE_TO_GET_ISSUER_CERT: ['the CA of its certificate is not known', caHint],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['the CA of its certificate is not known', caHint],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['the CA of its certificate is not known', caHint],
  CERT_SIGNATURE_FAILURE: ['its certificate is not signed by the CA given', caHint],
  CERT_REVOKED: ['its certificate was revoked', 'renew it on the broker'],
}

function certificateTrouble(codes: readonly string[], text: string): Trouble | null {
  for (const code of codes) {
    const fault = certificateFaults[code]
    if (fault !== undefined) return unreachable(`${fault[0]} (${code})`, fault[1])
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
      return unreachable(
        `its certificate is for another name: ${text}`,
        'connect by a name that the certificate has, or set tls.servername',
      )
    }
  }
  return null
}

/** The broker ended the TLS handshake, or there was none. */
function alertTrouble(
  codes: readonly string[],
  text: string,
  { usesTls }: Progress,
): Trouble | null {
  if (/requires TLS/i.test(text)) {
    return unreachable('this port speaks TLS, the client does not', plainHint)
  }
  if (!usesTls) return null
  const isOurCertificate =
    /alert (?:certificate|bad certificate|unknown ca|handshake failure|unsupported certificate)/i
  if (isOurCertificate.test(text)) {
    return {
      code: 'not-authorised',
      reason: `it wants a client certificate that it trusts: ${text}`,
      hint: 'give tls.cert and tls.key that its CA signed (MILLRACE_KAFKA_CERT, …_KEY)',
    }
  }
  const isNoTls = codes.some((code) => /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD_TOO/.test(code))
  if (isNoTls || /before secure TLS connection|TLS handshake failed/i.test(text)) {
    return unreachable(
      'the TLS handshake failed: this port seems to speak no TLS',
      'leave tls out, or use the port with TLS',
    )
  }
  return null
}

const plainHint = 'set tls: true, or tls=true in the URL'

const systemFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'the name of the host is not known',
  EAI_AGAIN: 'the name of the host could not be looked up',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'connecting took too long',
  PLT_KFK_TIMEOUT: 'connecting took too long',
}
const usualHint = 'is it up, and is the address right?'

function systemTrouble(codes: readonly string[]): Trouble | null {
  for (const code of codes) {
    const reason = systemFaults[code]
    if (reason !== undefined) return unreachable(reason, usualHint)
  }
  return null
}

/** It closed the connection without a word: early on that is most often a wrong setting. */
function closedTrouble({ usesTls, usesLogin, stage }: Progress): Trouble {
  const closed = 'it closed the connection'
  if (stage === 'opening' && !usesTls) {
    return unreachable(
      `${closed} without an answer`,
      `is this a broker that is up? if the port speaks TLS, ${plainHint}`,
    )
  }
  if (stage === 'fresh' && !usesLogin) {
    return unreachable(
      `${closed} at the first request`,
      'if the port wants a login, set sasl (sasl=scram-sha-512&username=… in the URL)',
    )
  }
  return unreachable(closed, 'is it being restarted?')
}

/** The library wraps what happened; the innermost says most. */
function chainOf(thrown: unknown): readonly Error[] {
  const errors: Error[] = []
  let error: unknown = thrown
  while (error instanceof Error && errors.length < 6) {
    errors.push(error)
    error = error instanceof AggregateError ? error.errors[0] : error.cause
  }
  return errors
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The innermost message that is not only the library's "closed". */
function textOf(errors: readonly Error[]): string {
  const last = errors.findLast((error) => messageOf(error) !== '')
  const text = last === undefined ? '' : messageOf(last)
  return /^Connection (?:closed|error)/.test(text) ? '' : text.trim()
}
