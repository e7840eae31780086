/** What the engine needs to know of each kind of stream join. Plain data; knows no nodes. */
import type { WindowSpec } from './window-spec.ts'

/** Which rows come without a partner: none, the left side's, the right side's, both sides'. */
export type JoinType = 'inner' | 'left' | 'right' | 'full'

/** Pairs with right.time in [left.time − beforeMs, left.time + afterMs]; Infinity: all pairs. */
export interface IntervalJoinSpec {
  readonly kind: 'interval-join'
  readonly type: JoinType
  /** May be negative, and so may `afterMs`; their sum may not. */
  readonly beforeMs: number
  readonly afterMs: number
  readonly latenessMs: number
}

/** Pairs within one window. */
export interface WindowJoinSpec {
  readonly kind: 'window-join'
  readonly type: JoinType
  readonly window: WindowSpec
}

/** Each left row with the newest right one that is not younger, at most `toleranceMs` older. */
export interface AsOfJoinSpec {
  readonly kind: 'as-of-join'
  readonly type: 'inner' | 'left'
  readonly toleranceMs: number
}

/** Each record with the row of the table as it was at the record's event time. */
export interface VersionedJoinSpec {
  readonly kind: 'versioned-join'
  readonly type: 'inner' | 'left'
  /** null: records behind the watermark are late. */
  readonly historyMs: number | null
}

/** Each record with the row of the table as it is when the record is processed. */
export interface LatestJoinSpec {
  readonly kind: 'latest-join'
  readonly type: 'inner' | 'left'
}

/** Each record with the row of a topic that every task holds whole. */
export interface GlobalJoinSpec {
  readonly kind: 'global-join'
  readonly type: 'inner' | 'left'
  /** The key of the row, by the record; null: the record's key. */
  readonly by: ((value: unknown) => unknown) | null
}

export type JoinSpec =
  | IntervalJoinSpec
  | WindowJoinSpec
  | AsOfJoinSpec
  | VersionedJoinSpec
  | LatestJoinSpec
  | GlobalJoinSpec
