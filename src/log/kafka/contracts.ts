/** What the parts of the Kafka log give each other. Each is made in a folder of its own. */
import type { RecordBatch } from '../batch.ts'
import type { AppendBatch, Appended, Membership, Reader, TopicPartition } from '../log.ts'

/** Where an input goes on when its offset is no longer, or not yet, in the partition. */
export type OutOfRange = 'earliest' | 'latest' | 'stop'

/**
 * A set of partitions being followed (fetch/): what `Reader` and `Session` read from. Committed
 * records only; control batches and aborted records are left out. `poll` may give an empty batch
 * (`count` 0), whose `nextOffset` says how far the position has come over offsets without records.
 */
export interface FetchSet extends Reader {
  /**
   * True while records that the partition holds are still to come: nothing has been heard of it
   * since it was opened or moved, or the last answer ended before the partition's end.
   */
  behind(input: number): boolean
  /** As in `Session`. */
  release(batch: RecordBatch): void
}

export interface FetchOptions {
  /** Bytes of fetched, not yet polled batches, all inputs together; each may hold one batch. */
  readonly bytesMax: number
  readonly outOfRange: OutOfRange
}

/** Fetches for all readers and sessions of one log handle (fetch/). */
export interface Fetcher {
  open(
    inputs: readonly (TopicPartition & { readonly offset: number })[],
    options: FetchOptions,
  ): FetchSet
  close(): Promise<void>
}

/** As whom a transaction's offsets are committed [KIP-447]. */
export interface MemberIdentity {
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string | null
}

/** Answers for a task's right to commit (group/); a task outside of any group has none. */
export interface Ownership {
  /** Now; null: the task is not owned. */
  identity(): MemberIdentity | null
  /**
   * After a refusal (22, 25, 27): waits for the rebalance under way to end, at most about the
   * session time-out. null: the task is not owned any more.
   */
  settled(): Promise<MemberIdentity | null>
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
  /** Free text kept with the offset; '' for none. */
  readonly metadata: string
}

export interface GroupOffsets {
  readonly group: string
  readonly offsets: readonly OffsetToCommit[]
  /** null: committed without a member (generation −1). */
  readonly ownership: Ownership | null
}

/** What one transaction writes. The blocks are as `BatchBuilder.finish` made them. */
export interface Transaction {
  readonly appends: readonly AppendBatch[]
  /** Called when all appends are acknowledged, before the offsets are sent. */
  readonly offsets: (appended: readonly Appended[]) => readonly GroupOffsets[]
}

/**
 * One transactional id, held (produce/). Opening it fences whoever held it. At most one `commit` at
 * a time.
 */
export interface TransactionalProducer {
  /** Grows with every open of the transactional id: producer id × 2^15 + epoch as opened. */
  readonly epoch: number
  /**
   * One transaction, whole: appends, offsets, end. After `task-fenced` or `commit-unknown` the
   * producer is dead: close it, open again, read offsets back. Refusals found before anything was
   * committed (`unknown-topic`, `unknown-partition`, `record-too-large`, `not-authorised`) abort
   * the transaction, leave nothing visible, and the producer goes on.
   * @throws `task-fenced` · `commit-unknown` · those above · `log-unreachable`, `log-failed`
   * (not-applied: aborted or timed out; the producer is dead)
   */
  commit(transaction: Transaction): Promise<readonly Appended[]>
  /** True once the producer cannot be used any more. */
  readonly isDead: boolean
  /** Asks the coordinator whether a later owner exists (DescribeTransactions), without writing. */
  isFenced(): Promise<boolean>
  /** Aborts what is open, as far as that is possible at once. Idempotent. */
  close(): Promise<void>
}

/** A member of a group, and the tasks it owns (group/). */
export interface GroupMembership extends Membership {
  /** For the transactions of a task. */
  ownership(task: string): Ownership
  /** Tasks that this process keeps a standby copy of. In order of name. */
  readonly standbys: readonly string[]
  /** For status and messages: member id, instance id, generation, state. */
  describe(): string
}
