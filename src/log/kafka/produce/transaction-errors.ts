/**
 * What to do when a broker answers a request of a producer with an error: one table, request ×
 * code. The meanings are Kafka's (org.apache.kafka.common.protocol.Errors, KIP-98, KIP-447,
 * KIP-890) as seen on brokers 3.9 and 4.3.
 */
import { MillraceError, placeText } from '../../../core/error.ts'
import type { ErrorCode, ErrorPlace } from '../../../core/error.ts'
import { codeName, errorCode as code } from '../wire/error-codes.ts'

export type ProducerRequest =
  /** Takes the transactional id over. */
  | 'InitProducerId'
  /** With the id and epoch held: the next epoch, unless someone newer has come. */
  | 'InitProducerId held'
  | 'AddPartitionsToTxn'
  /** Within a transaction. */
  | 'Produce'
  /** Idempotent, without a transaction. */
  | 'Produce alone'
  | 'AddOffsetsToTxn'
  | 'TxnOffsetCommit'
  /** Outside of a transaction. */
  | 'OffsetCommit'
  | 'EndTxn commit'
  /** After an attempt whose answer was lost, or that left open whether it was done. */
  | 'EndTxn commit again'
  | 'EndTxn abort'
  | 'DescribeTransactions'

export type Verdict =
  | 'done'
  /** Busy with the last transaction: the same request again in 1 ms or a few. */
  | 'poll'
  /** The same request again after a pause; it was not done. */
  | 'wait'
  /** As `wait`, but it may have been done. */
  | 'unsure'
  /** As `wait`, at the leader or coordinator that is in charge now. */
  | 'moved'
  /** As `moved`, unless the topic is gone: then it is the user's (`unknown-topic`). */
  | 'topic'
  /** The group rebalances: the same request as whoever the member is then. */
  | 'settle'
  /** The batch needs a new producer id, with sequences from 0. */
  | 'renew'
  /** Someone newer holds the id, or the coordinator has timed the transaction out. */
  | 'fenced'
  /** Another member has the task. */
  | 'not-owned'
  /** The user's: nothing is visible, the producer goes on. */
  | 'refused'
  /** Nothing is visible, the producer is given up. */
  | 'abort'
  /** Nobody can say whether it was done. */
  | 'unknown'

type Row = Readonly<Partial<Record<Verdict, readonly number[]>>>

/** The coordinator is not there now. */
const coordinator: Row = {
  wait: [code.coordinatorLoadInProgress],
  moved: [code.coordinatorNotAvailable, code.notCoordinator],
}
/** Another epoch is at work: an heir's, or the coordinator's own after the time-out. */
const fencing: readonly number[] = [
  code.invalidProducerEpoch,
  code.producerFenced,
  code.invalidProducerIdMapping,
]
const rights: readonly number[] = [
  code.topicAuthorizationFailed,
  code.groupAuthorizationFailed,
  code.clusterAuthorizationFailed,
  code.transactionalIdAuthorizationFailed,
]
/** Batches that the broker does not take as they are. */
const badBatch: readonly number[] = [
  code.messageTooLarge,
  code.recordListTooLarge,
  code.invalidRecord,
  code.invalidTimestamp,
  code.policyViolation,
  code.unsupportedCompressionType,
  code.invalidTopicException,
  ...rights,
]
const leader: Row = {
  wait: [code.notEnoughReplicas],
  unsure: [code.requestTimedOut, code.networkException, code.notEnoughReplicasAfterAppend],
  moved: [
    code.leaderNotAvailable,
    code.notLeaderOrFollower,
    code.brokerNotAvailable,
    code.replicaNotAvailable,
    code.kafkaStorageError,
    code.fencedLeaderEpoch,
    code.unknownLeaderEpoch,
  ],
  topic: [code.unknownTopicOrPartition],
  refused: badBatch,
}
const offsets: Row = {
  ...coordinator,
  unsure: [code.requestTimedOut],
  topic: [code.unknownTopicOrPartition],
  settle: [
    code.illegalGeneration,
    code.unknownMemberId,
    code.rebalanceInProgress,
    code.staleMemberEpoch,
    code.fencedMemberEpoch,
    // Of a member's offsets: the group has been forgotten, and with it the member.
    code.groupIdNotFound,
  ],
  'not-owned': [code.fencedInstanceId],
  refused: [code.offsetMetadataTooLarge, code.invalidGroupId, ...rights],
}

const rows: Readonly<Record<ProducerRequest, Row>> = {
  // 51 here: the transaction of whoever held the id before is being aborted.
  InitProducerId: {
    ...coordinator,
    wait: [code.coordinatorLoadInProgress, code.concurrentTransactions, code.requestTimedOut],
    fenced: fencing,
    refused: [code.invalidTransactionTimeout, ...rights],
  },
  'InitProducerId held': {
    ...coordinator,
    poll: [code.concurrentTransactions],
    wait: [code.coordinatorLoadInProgress, code.requestTimedOut],
    fenced: fencing,
  },
  AddPartitionsToTxn: {
    ...coordinator,
    poll: [code.concurrentTransactions],
    topic: [code.unknownTopicOrPartition],
    fenced: fencing,
    refused: rights,
  },
  // In part 2 the leader asks the transaction coordinator, and passes on what that says.
  Produce: {
    ...leader,
    wait: [
      code.notEnoughReplicas,
      code.concurrentTransactions,
      code.coordinatorLoadInProgress,
      code.coordinatorNotAvailable,
      code.notCoordinator,
    ],
    fenced: fencing,
  },
  'Produce alone': {
    ...leader,
    renew: [...fencing, code.outOfOrderSequenceNumber, code.unknownProducerId],
    unknown: [code.duplicateSequenceNumber],
  },
  AddOffsetsToTxn: {
    ...coordinator,
    poll: [code.concurrentTransactions],
    fenced: fencing,
    refused: [code.invalidGroupId, ...rights],
  },
  TxnOffsetCommit: { ...offsets, poll: [code.concurrentTransactions], fenced: fencing },
  OffsetCommit: offsets,
  // A code that is not here leaves open whether it was done. 15 and 16 too: the coordinator gives
  // them when its own write was not acknowledged in time.
  'EndTxn commit': {
    poll: [code.concurrentTransactions],
    wait: [code.coordinatorLoadInProgress],
    fenced: [...fencing, code.invalidTxnState],
    refused: rights,
    abort: [code.transactionAbortable],
  },
  'EndTxn commit again': {
    poll: [code.concurrentTransactions],
    wait: [code.coordinatorLoadInProgress],
    unknown: [...fencing, code.invalidTxnState, code.transactionAbortable, ...rights],
  },
  'EndTxn abort': {
    ...coordinator,
    poll: [code.concurrentTransactions],
    wait: [code.coordinatorLoadInProgress, code.requestTimedOut],
    fenced: fencing,
    // Nothing was open, or it is ended already.
    done: [code.invalidTxnState],
  },
  DescribeTransactions: {
    ...coordinator,
    done: [code.transactionalIdNotFound],
    refused: rights,
  },
}

const table: ReadonlyMap<ProducerRequest, ReadonlyMap<number, Verdict>> = new Map(
  Object.entries(rows).map(([request, row]) => [
    request as ProducerRequest,
    new Map(
      Object.entries(row).flatMap(([verdict, codes]) =>
        codes.map((one) => [one, verdict as Verdict] as const),
      ),
    ),
  ]),
)

/** What to do about one code in the answer to one request. */
export function verdictOf(request: ProducerRequest, answered: number): Verdict {
  if (answered === code.none) return 'done'
  const known = table.get(request)?.get(answered)
  if (known !== undefined) return known
  return request.startsWith('EndTxn commit') ? 'unsure' : 'abort'
}

/** Every row, for the tests: request, code, verdict. */
export function verdictRows(): readonly (readonly [ProducerRequest, number, Verdict])[] {
  return [...table].flatMap(([request, row]) =>
    [...row].map(([answered, verdict]) => [request, answered, verdict] as const),
  )
}

/** True where the same request is made again. */
export function isAgain(verdict: Verdict): boolean {
  return again.has(verdict)
}

const again: ReadonlySet<Verdict> = new Set(['poll', 'wait', 'unsure', 'moved', 'topic'])

/** Ends a commit: why, and what is left of the producer. */
export class Setback extends Error {
  override readonly name = 'Setback'
  readonly verdict: Verdict
  readonly error: MillraceError

  constructor(verdict: Verdict, error: MillraceError) {
    super(error.message)
    this.verdict = verdict
    this.error = error
  }
}

/**
 * A request without an answer may have been done; where a transaction was not asked to commit, that
 * changes nothing.
 */
export function notApplied(error: MillraceError): MillraceError {
  if (error.outcome === 'not-applied') return error
  const { code: name, message, hint, at } = error
  const place = placeText(at)
  const bare = place === '' ? message : message.slice(0, -(place.length + 3))
  return new MillraceError(name, bare, {
    at,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  })
}

export interface Refusal {
  readonly request: ProducerRequest
  readonly code: number
  /** Of a request about partitions. */
  readonly at?: ErrorPlace
  /** What the broker wrote beside the code. */
  readonly reason?: string | null
  /** Whose request: a transactional id or a group. */
  readonly by: string
}

/** A code as an error of ours, for when the same request is not made again. */
export function errorOf({ request, code: answered, at, reason, by }: Refusal): MillraceError {
  const said = `${codeName(answered)}${reason ? `, ${reason}` : ''}`
  const [name, text, hint] = wordsOf(verdictOf(request, answered), answered)
  return new MillraceError(name, `${request.split(' ')[0]} of ${by}: ${text}: ${said}`, {
    ...(at === undefined ? {} : { at }),
    ...(hint === '' ? {} : { hint }),
    ...(name === 'commit-unknown' ? { outcome: 'unknown' as const } : {}),
  })
}

function wordsOf(verdict: Verdict, answered: number): readonly [ErrorCode, string, string] {
  if (verdict === 'fenced' || verdict === 'not-owned' || verdict === 'settle') {
    return ['task-fenced', 'a later owner has taken over', 'the later owner goes on']
  }
  if (verdict === 'unknown') {
    return ['commit-unknown', 'it may have happened', 'open again and read the offsets back']
  }
  if (verdict === 'topic') return ['unknown-topic', 'the topic is gone', 'create it again']
  if (verdict === 'refused') return userWords(answered)
  return ['log-failed', 'it was not done', '']
}

function userWords(answered: number): readonly [ErrorCode, string, string] {
  if (rights.includes(answered)) {
    const acls = 'Write on the topic, Describe and Write on the transactional id, Read on the group'
    return ['not-authorised', 'no right to do that', `give this user the ACLs ${acls}`]
  }
  switch (answered) {
    case code.messageTooLarge:
    case code.recordListTooLarge:
      return [
        'record-too-large',
        "a batch is over the topic's limit",
        'write smaller records, or raise recordBytesMax of the topic',
      ]
    case code.invalidTransactionTimeout:
      return [
        'invalid-argument',
        "the transaction time-out is over the broker's limit",
        'give a smaller one, or raise transaction.max.timeout.ms of the brokers',
      ]
    case code.unsupportedCompressionType:
      return ['log-unsupported', 'the compression is not known there', 'choose another compression']
    case code.invalidRecord:
      return [
        'invalid-argument',
        'the broker does not take a record',
        'every record of a topic that is compacted needs a key',
      ]
    default:
      return ['invalid-argument', 'the broker does not take it', '']
  }
}
