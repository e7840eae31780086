/** How a log on Kafka is set up. */
import type { Clock } from '../../core/clock.ts'
import type { OutOfRange } from './contracts.ts'
import type { GroupEvent } from './group/group-event.ts'
import type { Compression } from './records/compression.ts'
import type { StateEvent } from './session/state-event.ts'
import type { ClusterEvent } from './wire/connect-cluster.ts'
import type { SaslOptions, TlsOptions } from './wire/security.ts'

export type KafkaEvent = ClusterEvent | GroupEvent | StateEvent

export interface KafkaLogOptions {
  /** `host:port`; any of them leads to the others. */
  readonly brokers: readonly string[]
  /** As whom the brokers' logs show it. Default `millrace`. */
  readonly clientId?: string
  /** True: with the CAs that Node trusts. Default: not encrypted. */
  readonly tls?: boolean | TlsOptions
  /** The login. Default: none. */
  readonly sasl?: SaslOptions
  /**
   * Where an input goes on when records that it has not read were deleted. Default `stop`: the task
   * ends with `offset-out-of-range`, which says how many.
   */
  readonly outOfRange?: OutOfRange
  /**
   * Default `exactly-once`. `at-least-once`: outputs are not part of the transaction that keeps
   * state and offsets. They are seen earlier, by readers of any isolation, and may come again after
   * a crash; state stays exact, but what is counted of a repartition topic may be counted again.
   */
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  /** Of what is written. Default none. */
  readonly compression?: Compression
  /** Of topics that are created. Default: the brokers' default. */
  readonly replicationFactor?: number
  /**
   * Default `classic`; `streams` has the brokers share tasks out (KIP-1071, Kafka 4.2 or newer).
   */
  readonly membership?: 'classic' | 'streams'
  /**
   * Stable over restarts of this process, and of no other: a process that was killed and starts
   * again then has its tasks back at once. Default none.
   */
  readonly instanceId?: string
  /**
   * Where each process keeps copies of its tasks' state, so that a restart reads only what is new.
   * On a local disk; processes may share it. With it and without `instanceId` a process has the id
   * of its place there, so that one that was killed and starts again has its tasks back at once.
   * null: none. Default: `kafka` in the data directory, where the process has one, else none.
   */
  readonly stateDirectory?: string | null
  /**
   * Copies of each task's state that other processes keep up to date, so that one of them can go on
   * at once; needs a `stateDirectory`. Default 0.
   */
  readonly standbys?: number
  /** A member that is not heard of for so long has lost its tasks. Default 10,000 ms. */
  readonly sessionTimeoutMs?: number
  /** Default 500 ms. */
  readonly heartbeatMs?: number
  /** The brokers abort a transaction that is open for longer. Default 60,000 ms. */
  readonly transactionTimeoutMs?: number
  /** Default 10,000 ms. */
  readonly requestTimeoutMs?: number
  readonly clock?: Clock
  readonly notify?: (event: KafkaEvent) => void
}

/** Options that are not about how the brokers are reached. */
export type KafkaLogSettings = Omit<
  KafkaLogOptions,
  'brokers' | 'clientId' | 'tls' | 'sasl' | 'requestTimeoutMs' | 'clock'
>
