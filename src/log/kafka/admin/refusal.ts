/** What an error code of an administrative answer means to whoever asked. */
import { MillraceError } from '../../../core/error.ts'
import type { ErrorCode, ErrorPlace } from '../../../core/error.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { isTransient, TryAgain } from '../wire/retrying.ts'

/** What was asked of the broker. */
export interface Asked {
  /** As a clause, e.g. `topic 't' cannot be created`. */
  readonly failed: string
  /** The right it takes, e.g. `Create on topic t`. */
  readonly right: string
  readonly at?: ErrorPlace
  /** What the broker says to it. */
  readonly message?: string | null
}

interface Meaning {
  readonly code: ErrorCode
  readonly hint: string
}

const invalidTopic = (hint: string): Meaning => ({ code: 'invalid-topic', hint })
const refusedRight: Meaning = { code: 'not-authorised', hint: '' }
const running: Meaning = {
  code: 'pipeline-running',
  hint: 'stop whoever reads with this group, then try again',
}
const gone: Meaning = { code: 'unknown-topic', hint: 'list the topics: millrace topics list' }

const meanings: ReadonlyMap<number, Meaning> = new Map([
  [
    errorCode.offsetOutOfRange,
    { code: 'offset-out-of-range', hint: 'use an offset that is not above the end' },
  ],
  [errorCode.unknownTopicOrPartition, gone],
  [errorCode.unknownTopicId, gone],
  [
    errorCode.invalidTopicException,
    invalidTopic('choose another name; names that differ only in . and _ exclude each other'),
  ],
  [errorCode.invalidPartitions, invalidTopic('partitions can only grow')],
  [
    errorCode.invalidReplicationFactor,
    invalidTopic('ask for no more replicas than there are brokers, or start more brokers'),
  ],
  [errorCode.invalidConfig, invalidTopic('choose a value that the brokers accept')],
  [
    errorCode.policyViolation,
    invalidTopic('a policy of the brokers refuses this; ask whoever runs them what is allowed'),
  ],
  [
    errorCode.topicAlreadyExists,
    { code: 'topic-exists', hint: 'see its settings: millrace topics describe' },
  ],
  [
    errorCode.invalidGroupId,
    { code: 'invalid-argument', hint: 'use the name of a group of readers, not an empty one' },
  ],
  [
    errorCode.groupIdNotFound,
    { code: 'invalid-argument', hint: 'use the name of a group of readers; it is of another kind' },
  ],
  [errorCode.nonEmptyGroup, running],
  [errorCode.unknownMemberId, running],
  [errorCode.illegalGeneration, running],
  [errorCode.rebalanceInProgress, running],
  [errorCode.fencedInstanceId, running],
  [errorCode.fencedMemberEpoch, running],
  [errorCode.staleMemberEpoch, running],
  [errorCode.topicAuthorizationFailed, refusedRight],
  [errorCode.groupAuthorizationFailed, refusedRight],
  [errorCode.clusterAuthorizationFailed, refusedRight],
  [
    errorCode.topicDeletionDisabled,
    { code: 'log-unsupported', hint: 'set delete.topic.enable=true on the brokers' },
  ],
  [
    errorCode.unsupportedVersion,
    { code: 'log-unsupported', hint: 'use Apache Kafka 3.9 or newer' },
  ],
  [
    errorCode.notController,
    { code: 'log-unreachable', hint: 'the brokers are choosing a controller; try again soon' },
  ],
  [
    errorCode.requestTimedOut,
    { code: 'log-unreachable', hint: 'are enough brokers up? Look at its state, then try again' },
  ],
  [
    errorCode.throttlingQuotaExceeded,
    { code: 'log-busy', hint: 'the brokers limit how much is changed at a time; try later' },
  ],
] satisfies [number, Meaning][])

/** @returns the error that says it; for codes without a meaning of their own `log-failed` */
export function refusal(code: number, asked: Asked): MillraceError {
  const { failed, right, at = {}, message } = asked
  const meaning = meanings.get(code)
  const reason = message === null || message === undefined || message === '' ? '' : `: ${message}`
  const hint =
    meaning === refusedRight
      ? `give this user the right (ACL) ${right}`
      : (meaning?.hint ?? 'look into the logs of the brokers')
  const outcome = code === errorCode.requestTimedOut ? 'unknown' : 'not-applied'
  const details = { at, hint, outcome } as const
  const text = `${failed}: ${codeName(code)}${reason}`
  return new MillraceError(meaning?.code ?? 'log-failed', text, details)
}

/** Codes that the driver takes for passing, but an administrator's request must be told. */
const finalCodes: ReadonlySet<number> = new Set([
  errorCode.unknownTopicOrPartition,
  errorCode.unknownTopicId,
])

/**
 * Nothing where the answer is fine.
 * @throws `TryAgain` where it may pass by itself · the refusal
 */
export function checkCode(code: number, asked: Asked): void {
  if (code === errorCode.none) return
  const error = refusal(code, asked)
  throw isTransient(code) && !finalCodes.has(code) ? new TryAgain(error) : error
}
