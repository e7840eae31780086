/**
 * The log contract: the one durable thing. Topics cut into partitions of records with offsets;
 * committed atomically. Implementations: `memory/`, `embedded/`, `kafka/`. `log.conformance.ts` is
 * the suite that each of them passes.
 *
 * L1 A commit is all or nothing, also under kill -9, a full disk, a broker's death.
 * L2 Readers see committed records only.
 * L3 Within a partition offsets grow and order never changes.
 * L4 A task has one owner: whoever opens it later fences the earlier one, whose commit then fails
 * with `task-fenced`. L5 An acknowledged append is on disk (where the log has one).
 * L6 Memory is bounded by configured bytes, whatever the lag.
 * L7 A partition is chosen by Kafka's default partitioner (`partitionOf` in partitioner.ts) on
 * every log.
 *
 * Offsets need not be dense: Kafka's transactions, compaction and aborted records leave offsets
 * without a record. Within one appended batch there are none.
 */
import type { RecordBatch } from './batch.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Settings of a topic. Sizes in bytes, times in ms. */
export interface TopicConfig {
  /** 1 to 1024. Can grow, never shrink. */
  readonly partitions: number
  /**
   * Batches appended longer ago (wall clock, not record time) may be deleted; null keeps for ever.
   */
  readonly retentionMs: number | null
  /** Oldest batches of a partition may be deleted while it holds more than this; null: no limit. */
  readonly retentionBytes: number | null
  /**
   * `compact`: only the newest record of each key is kept for sure (null value = tombstone).
   * Records without key are refused.
   */
  readonly cleanup: 'delete' | 'compact'
  /**
   * Largest key + value + headers of one record, bytes. Default 1,048,576 (as Kafka's
   * message.max.bytes).
   */
  readonly recordBytesMax: number
}

export const defaultTopicConfig: TopicConfig = {
  partitions: 1,
  retentionMs: null,
  retentionBytes: null,
  cleanup: 'delete',
  recordBytesMax: 1_048_576,
}

export interface PartitionInfo {
  readonly partition: number
  /**
   * Where reading can begin: the oldest kept record, or what `trim` was given; equal to `endOffset`
   * when empty.
   */
  readonly startOffset: number
  /** Offset the next record will get. */
  readonly endOffset: number
  /**
   * Bytes of kept batches. A batch that `trim` has cut counts whole; one below the start counts
   * until it is freed.
   */
  readonly bytes: number
}

export interface TopicInfo {
  readonly name: string
  readonly config: TopicConfig
  /** Wall clock, ms since 1970; null where the log does not keep it (Kafka). */
  readonly createdMs: number | null
  readonly partitions: readonly PartitionInfo[]
}

/** Encoded records for one partition, in order; `bytes` is made by `BatchBuilder` (batch.ts). */
export interface AppendBatch extends TopicPartition {
  readonly bytes: Uint8Array
}

/**
 * Makes an append idempotent: a producer numbers its appends 0, 1, 2, … for each partition; an
 * append with the number that the partition already holds returns the first one's offsets and
 * writes nothing; a lower or skipped number is refused with `invalid-argument`. [L5: retry after an
 * unknown outcome without doubling]
 */
export interface ProducerStamp {
  /** Stable, unique to this producer: 1 to 249 characters. */
  readonly producer: string
  readonly sequence: number
}

export interface Appended extends TopicPartition {
  /** Offset of the batch's first record; the rest follow without holes. */
  readonly baseOffset: number
  readonly recordCount: number
}

export interface GroupOffset extends TopicPartition {
  /** Next offset to read. */
  readonly offset: number
}

export interface GroupInfo {
  readonly group: string
  readonly offsets: readonly GroupOffset[]
  /** Who holds the group now, as text for people; null when nobody does. */
  readonly owner: string | null
}

export type StartAt = 'earliest' | 'latest'

export interface TaskSpec {
  /** The pipeline's name; also the group under which `groups()` lists the task's offsets. */
  readonly pipeline: string
  /** Name within the pipeline, stable over restarts, e.g. `main/0`. */
  readonly task: string
  /**
   * The partitions this task reads, in a fixed order; `poll` and `offsets` speak of them by index.
   */
  readonly inputs: readonly TopicPartition[]
  /**
   * For each input: whether other tasks of the pipeline read the partition as well; each then has
   * an offset of its own. Default: none. Two tasks that share a partition must both say so.
   */
  readonly shared?: readonly boolean[]
  /** Where an input begins that has no committed offset yet; one entry an input. */
  readonly startAt: readonly StartAt[]
  /**
   * Bytes of fetched, not yet polled records that the session may hold in all. Default 8 MiB. [L6]
   */
  readonly prefetchBytesMax?: number
}

/**
 * What a task's commit writes besides records and offsets: the state that changed. Opaque to the
 * log.
 */
export interface ChangelogWrite {
  readonly bytes: Uint8Array
  /**
   * This blob begins a round of the rolling snapshot: from here to the round's end every live entry
   * is written once.
   */
  readonly startsRound: boolean
  /**
   * With this blob the round that began at the last `startsRound` is complete: blobs before that
   * one may be deleted.
   */
  readonly endsRound: boolean
}

export interface CommitBatch {
  /**
   * Next offset to read (last processed + 1) for each input index; -1 leaves that input's committed
   * offset as it is.
   */
  readonly offsets: readonly number[]
  readonly appends: readonly AppendBatch[]
  readonly changelog: ChangelogWrite | null
}

export interface CommitReceipt {
  /** One for each append, in order. */
  readonly appended: readonly Appended[]
}

/**
 * One owner's exclusive right to a task. Obtained from `Log.open`; fenced when another opens the
 * same task. [L4] All methods are for the one task loop that owns it.
 */
export interface Session {
  readonly spec: TaskSpec
  /** Grows by at least 1 with every open of this task. */
  readonly epoch: number
  /**
   * Committed next offset for each input index, already resolved by `startAt` where nothing was
   * committed, and moved up to the partition's start where retention or `trim` has passed it. */
  readonly offsets: readonly number[]
  /**
   * For each input index: how many records were deleted, by retention or `trim`, before this task
   * read them (0 normally).
   */
  readonly skipped: readonly number[]
  /**
   * The changelog blobs from the start of the last complete round on, in commit order. Called once,
   * before the first commit. The blob may be kept by the caller. */
  restore(): AsyncIterable<Uint8Array>
  /**
   * How far `restore` has come, 0 to 1. A log that does not know how much there is says 0 until it
   * has ended, then 1.
   */
  readonly restoredShare: number
  /**
   * The next records of one input, never waiting: null when none is at hand. Starts at
   * `offsets[input]`, then goes on without gap. A batch's records below the wished offset are
   * already cut off (`RecordBatch.first`). [L2, L3] The returned batch and its bytes stay valid
   * until dropped. A batch may be empty (`count` 0): the position moves to its `nextOffset`, over
   * offsets without records.
   * @throws `log-damaged`, `log-failed`, `log-closed`, `offset-out-of-range` (records were deleted
   * before they were read, and the log was told to stop then), `unsupported-codec`
   */
  poll(input: number): RecordBatch | null
  /**
   * The caller needs a batch of `poll` no more: its memory may hold a later one. Without the call
   * it is left to the collector; logs that cannot use memory again do not have it.
   */
  release?(batch: RecordBatch): void
  /**
   * After `poll` gave null: whether records that the input holds are still on their way, so that
   * the others should wait for them. A log that has all at hand says false.
   */
  behind(input: number): boolean
  /**
   * Resolves as soon as some input may have records that `poll` has not given, or `wake` is called,
   * the time is over (`timeoutMs`, Infinity allowed), or the session was closed or fenced. Uses no
   * CPU meanwhile; at most one call at a time.
   */
  wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'>
  /** Ends a pending `wait` with 'ready', or makes the next one return at once. */
  wake(): void
  /** Newest known end offset of an input (for lag). */
  endOffset(input: number): number
  /**
   * Appends everything the task produced since the last commit, moves its input offsets and keeps
   * the changelog blob, in one atomic step. [L1] At most one in flight; the caller may poll
   * meanwhile. The bytes of `commit.appends` and of the changelog belong to the log from now on:
   * they may be kept, or transferred away.
   * @throws `task-fenced` (not-applied: drop all, do not retry) · `commit-unknown` (unknown: close,
   * reopen, read the
   *   offsets back) · `disk-full`, `log-busy`, `log-failed` (not-applied) · `unknown-topic` ·
   *   `record-too-large`
   */
  commit(commit: CommitBatch): Promise<CommitReceipt>
  /**
   * True: the blocks of `appends` are read while `commit` runs and not kept: they need no checksum,
   * and when it has settled their memory may be used again. Default false.
   */
  readonly borrowsAppends?: boolean
  /** Idempotent. Waits for a commit in flight; later calls of other methods throw `log-closed`. */
  close(): Promise<void>
}

/**
 * Follows partitions without owning anything: for the command line, tests and tools. Same duties as
 * in `Session`.
 */
export interface Reader {
  poll(input: number): RecordBatch | null
  wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'>
  wake(): void
  endOffset(input: number): number
  /** Moves one input to an offset; what was prefetched for it is dropped. */
  seek(input: number, offset: number): void
  close(): Promise<void>
}

/**
 * The tasks of a pipeline that this process owns. On one machine: all of them, for as long as the
 * process lives.
 */
export interface Membership {
  readonly owned: readonly string[]
  /**
   * Sets who is told when tasks come and go. `lost` tasks are handed over only after the returned
   * promise settles.
   * `reason: 'fenced'`: they are gone already; drop everything.
   */
  onChange(
    tell: (change: {
      gained: readonly string[]
      lost: readonly string[]
      reason: 'rebalanced' | 'fenced'
    }) => Promise<void>,
  ): void
  /**
   * True: after a loss of all tasks (`fenced`) it joins again by itself, and what it gains then is
   * told. Default: another run has taken over for good.
   */
  readonly rejoins?: boolean
  /**
   * After `task-fenced`: asks anew whether the task is this process's, so that it may be opened
   * again (a session was lost, the ownership was not). Always false on a log with one runner for a
   * pipeline: whoever fenced it has taken over.
   */
  confirm(task: string): Promise<boolean>
  /** Gives all tasks up. Idempotent. */
  leave(): Promise<void>
}

/** What a task reads, for logs that share tasks out among processes. */
export interface TaskInfo {
  /** As in `JoinOptions.tasks`. */
  readonly task: string
  /** Name of the plan's part that the task runs. */
  readonly part: string
  /** Number of the task within its part. */
  readonly index: number
  readonly inputs: readonly (TopicPartition & {
    /** A repartition topic of the pipeline itself. */
    readonly isRepartition: boolean
    /** Read by every task of the part. */
    readonly isShared: boolean
  })[]
  /** Whether it keeps state, which a move to another process must restore. */
  readonly isStateful: boolean
}

export interface JoinOptions {
  readonly pipeline: string
  readonly tasks: readonly string[]
  /** One for each of `tasks`, in the same order. A log for one machine needs none. */
  readonly infos?: readonly TaskInfo[]
  /** True: whoever runs the pipeline now is fenced instead of `pipeline-running` being thrown. */
  readonly takeOver: boolean
}

export interface Log {
  readonly kind: 'memory' | 'embedded' | 'kafka'
  /** Where it is, for people: a directory, `memory`, a broker list. */
  readonly place: string

  /**
   * @returns the topic as it is now. Creating a topic that exists with the same partition count and
   * settings is no error.
   * @throws `topic-exists` (other settings) · `invalid-topic` (name: 1–249 of [a-zA-Z0-9._-], not
   * `.` or `..`; counts) */
  createTopic(name: string, config?: Partial<TopicConfig>): Promise<TopicInfo>
  /** @throws `unknown-topic` */
  describeTopic(name: string): Promise<TopicInfo>
  /** In order of name. */
  listTopics(): Promise<TopicInfo[]>
  /**
   * Deletes the records, the offsets that groups hold on it, and the name. @throws `unknown-topic`
   */
  deleteTopic(name: string): Promise<void>
  /**
   * Changes retention, cleanup or recordBytesMax, or grows `partitions`. @throws `unknown-topic` ·
   * `invalid-topic`
   */
  alterTopic(name: string, config: Partial<TopicConfig>): Promise<TopicInfo>

  /**
   * Appends batches in one atomic step; on disk when the promise resolves. [L1, L5] Without a stamp
   * the blocks belong to the log from the call on: they may be transferred away, and an append that
   * failed cannot be repeated with them. With a stamp they stay the caller's, unchanged, to be
   * given again.
   * @throws `unknown-topic` · `unknown-partition` · `record-too-large` · `disk-full` · `log-busy` ·
   * `log-failed` · `commit-unknown` */
  append(batches: readonly AppendBatch[], stamp?: ProducerStamp): Promise<Appended[]>

  /**
   * Says that records before these offsets may be deleted (Kafka's DeleteRecords). Moves each
   * partition's start up to the offset, all in one step, durable when the promise resolves; an
   * offset at or below the start changes nothing. Whoever reads or opens below the start is moved
   * up to it, as with retention; what a reader has fetched it may still give. Space is freed in
   * whole batches, soon; a record at or after the offset is never deleted. Groups' offsets stay as
   * they are.
   * @throws `unknown-topic` · `unknown-partition` · `offset-out-of-range` (above the end) ·
   * `invalid-argument` (no offset;
   *   a compacted topic, which keeps the newest record of each key) · `disk-full` · `log-busy` ·
   *   `log-failed` · `commit-unknown` */
  trim(offsets: readonly GroupOffset[]): Promise<void>

  /**
   * A reader at the given next offsets. An offset below the start is moved up to it; above the end
   * throws
   * `offset-out-of-range`. */
  openReader(
    inputs: readonly GroupOffset[],
    options?: { prefetchBytesMax?: number },
  ): Promise<Reader>
  /**
   * Smallest offset whose record time is >= `timeMs`; the end offset when there is none. (Kafka's
   * ListOffsets.)
   */
  offsetAtTime(topic: string, partition: number, timeMs: number): Promise<number>

  /**
   * Every group that has committed offsets, tasks' offsets merged under their pipeline's name; in
   * order of name.
   */
  groups(): Promise<GroupInfo[]>
  /** Sets offsets of a group that no task owns. */
  commitGroup(group: string, offsets: readonly GroupOffset[]): Promise<void>
  /**
   * Forgets a group's offsets; a pipeline's state and tasks too. Harmless when unknown. @throws
   * `pipeline-running`
   */
  deleteGroup(group: string): Promise<void>

  /** Become a runner of a pipeline. @throws `pipeline-running` (says who) */
  join(options: JoinOptions): Promise<Membership>
  /**
   * Take a task: fences every earlier session of it. [L4] @throws `unknown-topic` ·
   * `unknown-partition`
   */
  open(task: TaskSpec): Promise<Session>
  /** Idempotent. Closes all readers and sessions. */
  close(): Promise<void>
}
