/** What the library throws, as errors of ours. */
import { MillraceError, messageOf } from '../../../core/error.ts'

/** @param place `host:port` */
export function unreachable(thrown: unknown, place: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  const reasons = reasonsOf(thrown)
  const text = reasons.join(': ')
  if (reasons.some((reason) => /authenticat|sasl/i.test(reason))) {
    return new MillraceError('not-authorised', `broker ${place} refuses the login: ${text}`, {
      hint: 'check the mechanism, the user and the password',
    })
  }
  const isTls = /certificate|ssl|tls|alert|self.signed/i.test(text)
  return new MillraceError('log-unreachable', `broker ${place} does not answer: ${text}`, {
    outcome: 'unknown',
    hint: isTls
      ? 'check the certificates, and whether the port speaks TLS'
      : 'is it up, and is the address right?',
    ...(thrown instanceof Error ? { cause: thrown } : {}),
  })
}

/** The messages of an error and of its causes, the outermost first. */
function reasonsOf(thrown: unknown): string[] {
  const reasons: string[] = []
  let error: unknown = thrown
  while (error instanceof Error && reasons.length < 4) {
    const text = messageOf(error)
    if (text !== '' && !reasons.includes(text)) reasons.push(text)
    error = error instanceof AggregateError ? error.errors[0] : error.cause
  }
  return reasons.length === 0 ? [messageOf(thrown)] : reasons
}
