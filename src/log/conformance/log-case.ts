/**
 * What a case of the log's suite is, what it gets, and what the log under test declares about
 * itself.
 */
import type { VirtualClock } from '../../core/clock.ts'
import type { Log } from '../log.ts'

/**
 * What the cases prove: the log's invariants L1–L7, and the contract's other sentences by
 * subject.
 */
export const logSubjects = {
  L1: 'a commit is all or nothing',
  L2: 'readers see committed records only',
  L3: 'offsets grow and order never changes',
  L4: 'a task has one owner',
  L5: 'an acknowledged append is kept',
  L6: 'memory is bounded, whatever the lag',
  L7: 'partitions are chosen as Kafka does',
  C1: 'topics',
  C2: 'append',
  C3: 'readers',
  C4: 'offsets by time',
  C5: 'sessions',
  C6: 'groups',
  C7: 'membership',
  C8: 'closing',
  C9: 'retention and compaction',
  C10: 'random use against a model',
  C11: 'trimming',
} as const

export type LogCaseId = keyof typeof logSubjects

/**
 * `reopen`: data outlives `close`. `shared`: two handles may be open on one storage at a time, as
 * processes are. `virtual-clock`: append times and timeouts follow `harness.clock`. `maintain`:
 * retention and compaction run on demand. `dense`: each offset of a partition has a record, also
 * after commits; without it the cases go by the offsets that were acknowledged. `instant`: a commit
 * shows in all its partitions at the same moment. `any-time`: record times may be any finite
 * number. `lazy`: a reader fetches nothing before it is polled. `exclusive`: a pipeline has one
 * runner at a time, who can be taken over.
 */
export type Capability =
  | 'reopen'
  | 'shared'
  | 'virtual-clock'
  | 'maintain'
  | 'dense'
  | 'instant'
  | 'any-time'
  | 'lazy'
  | 'exclusive'
  /** All handles that join a pipeline share its tasks. */
  | 'members'

/** One storage, empty at first, for one case. */
export interface LogHarness {
  /** Another handle on the storage. Whoever runs the case closes it. */
  open(): Promise<Log>
  /** Moves the log's time where it is virtual; null: the log follows the machine's clock. */
  readonly clock: VirtualClock | null
  /** Applies retention and compaction to all topics now. */
  maintain(log: Log): Promise<void>
  /** How long a case waits for something that must happen, ms. */
  readonly limitMs: number
}

/** What a case gets. */
export interface CaseHarness extends LogHarness {
  /** The log declares `dense`: offsets must be just the numbers of the records. */
  readonly isDense: boolean
}

/** A log implementation, as the suite needs it. */
export interface LogSubject {
  readonly name: string
  readonly capabilities: readonly Capability[]
  /** Makes an empty storage. */
  start(): Promise<LogHarness>
  /** Removes the storage; all its logs are closed. */
  stop(harness: LogHarness): Promise<void>
}

export interface LogCase {
  readonly id: LogCaseId
  /** Starts with the id. */
  readonly title: string
  readonly needs: readonly Capability[]
  run(harness: CaseHarness): Promise<void>
}

/** A case that needs nothing special, or what `needs` says. */
export function logCase(
  title: `${LogCaseId} ${string}`,
  run: LogCase['run'],
  needs: readonly Capability[] = [],
): LogCase {
  return { id: title.slice(0, title.indexOf(' ')) as LogCaseId, title, needs, run }
}
