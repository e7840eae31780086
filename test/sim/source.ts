/** What a topic of a random plan is, and what all of a case share. */
import type { Key, Topic } from '../../src/index.ts'
import type { Item } from './item.ts'

export type SourceKind = 'stream' | 'table' | 'global'

/** What the records of a topic hold. */
export interface SourceValue extends Item {
  readonly k: Key | null
  /** Event time, ms. */
  readonly t: number
  /** No record of the partition comes before it; null: nothing is said. */
  readonly w: number | null
  /** The bytes that are written in place of it. */
  readonly raw?: string
}

/** As for all topics of a case. */
export interface CaseSettings {
  readonly tasks: 'one' | 'per-partition'
  readonly partitions: number
  readonly keys: readonly Key[]
  readonly outOfOrderMs: number
  readonly idleAfterMs: number
  readonly idle: 'advance' | 'wait'
  /** Some records come later than `outOfOrder` allows. */
  readonly isLate: boolean
  readonly flow: Flow
  /** Parts of the input that come after each other, the wall clock going on in between. */
  readonly waves: number
  readonly startAt: 'earliest' | 'latest'
}

/**
 * How the input comes.
 * - `at once`: all of it lies in the log.
 * - `in waves`: and no input ever falls idle.
 * - `with rests`: in waves, and all inputs fall idle in between. An input without records no longer
 *   holds event time back then, but does for a while behind a restart.
 */
export type Flow = 'at once' | 'in waves' | 'with rests'

export interface Source {
  readonly name: string
  readonly kind: SourceKind
  readonly topic: Topic<SourceValue, Key>
  readonly partitions: number
  /** The topic gives its records a key. */
  readonly isKeyed: boolean
  /** Event time runs behind by at most so much, ms. */
  readonly outOfOrderMs: number
  readonly isCompact: boolean
  /** Event time is the record's own time. */
  readonly isByRecordTime: boolean
  /** Values above are refused by its schema; Infinity: it has none. */
  readonly largest: number
}
