/**
 * What the engine needs to know of a step of kind `step`, one type for each operator. Plain data
 * and the user's functions; knows no nodes.
 */
import type { MatchSpec } from './patterns/match-spec.ts'
import type { JoinSpec } from './join-spec.ts'
import type { LookupJoinSpec, MapAsyncSpec } from './map-async-spec.ts'
import type { ProcessSpec } from './process-spec.ts'
import type { TableSpec } from './table-spec.ts'

/** Both inputs of a join by the same key: passes records on, so that they can change partitions. */
export interface SameKeySpec {
  readonly kind: 'same-key'
}

/** Sends each record to one of `count` outputs, by its key. */
export interface SplitSpec {
  readonly kind: 'split'
  readonly count: number
}

/** Each operator's spec joins this union. */
export type StepSpec =
  | MatchSpec
  | SameKeySpec
  | SplitSpec
  | JoinSpec
  | ProcessSpec
  | MapAsyncSpec
  | LookupJoinSpec
  | TableSpec
