/** What an error code of a partition means for whoever reads it. */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'
import { damaged } from '../records/compression.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { isTransient } from '../wire/retrying.ts'
import { notReadable } from './offsets.ts'

/**
 * `elsewhere`: another broker may lead it now; ask who, and go on. `unknown`: the same, but not for
 * long: it may be gone for good. `out-of-range`: look where it begins and ends.
 */
export type Refusal = 'elsewhere' | 'unknown' | 'out-of-range' | MillraceError

export function refusalOf(code: number, at: TopicPartition & { readonly offset: number }): Refusal {
  const text = `the broker gives no records: ${codeName(code)}`
  switch (code) {
    case errorCode.offsetOutOfRange:
      return 'out-of-range'
    case errorCode.unknownTopicOrPartition:
    case errorCode.unknownTopicId:
    case errorCode.inconsistentTopicId:
    case errorCode.unknownServerError:
      return 'unknown'
    case errorCode.topicAuthorizationFailed:
      return notReadable(at)
    case errorCode.corruptMessage:
      return damaged(`cannot be read by its broker: ${codeName(code)}`, at)
    case errorCode.unsupportedCompressionType:
      return new MillraceError('unsupported-codec', text, { at })
    default:
      return isTransient(code) ? 'elsewhere' : new MillraceError('log-failed', text, { at })
  }
}

/** What is said when `unknown` has lasted too long. */
export function gaveUp(
  code: number,
  at: TopicPartition & { readonly offset: number },
  limitMs: number,
): MillraceError {
  const text = `the brokers have given no records for ${limitMs} ms: ${codeName(code)}`
  return new MillraceError('log-failed', text, { at, hint: 'see the logs of the brokers' })
}
