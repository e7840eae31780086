/** What the engine needs to know of each step that makes, reads or compares tables. Plain data. */
import type { Key } from '../core/key.ts'
import type { AnyAggregator } from './aggregator.ts'
import type { Ordered } from './aggregators/extreme.ts'
import type { JoinType } from './join-spec.ts'

type Fn = (value: unknown) => unknown

/** The newest record of each key is its row; null deletes it. */
export interface ToTableSpec {
  readonly kind: 'to-table'
}
/** Another row of each; null: none. */
export interface TableMapSpec {
  readonly kind: 'table-map'
  readonly fn: Fn
}
/** Of the rows those for which the function gives something truthy. */
export interface TableFilterSpec {
  readonly kind: 'table-filter'
  readonly fn: Fn
}
/** The stream of new rows. */
export interface TableRowsSpec {
  readonly kind: 'table-rows'
}
/** The stream of changes. */
export interface TableChangesSpec {
  readonly kind: 'table-changes'
}
/** The rows of two tables that have the same key. */
export interface TableJoinSpec {
  readonly kind: 'table-join'
  readonly type: JoinType
}

/**
 * Changes of rows under the key of their group. What the group's step takes of a row is computed
 * here, where a throw undoes the row's change as a whole.
 */
export interface RegroupSpec {
  readonly kind: 'regroup'
  readonly by: (row: unknown) => Key
  readonly extract: (row: unknown, key: Key) => unknown
}
/** What each aggregator extracts of a row, in the order of the fields. */
export type FieldsOfRow = readonly unknown[]
/** Folds the rows of a group; takes `FieldsOfRow`. */
export interface TableFoldSpec {
  readonly kind: 'table-fold'
  readonly fields: readonly { readonly name: string; readonly aggregator: AnyAggregator }[]
}
export type TopOrder = 'desc' | 'asc'
/** A row with its key and what it is ordered by. */
export type RankedRow = readonly [key: Key, by: Ordered, row: unknown]
/** The first rows of a group; takes `RankedRow`. */
export interface TableTopNSpec {
  readonly kind: 'table-top-n'
  readonly n: number
  readonly order: TopOrder
}

/** Numbers the rows of the left table by the foreign key they had. */
export interface ForeignKeyLeftSpec {
  readonly kind: 'foreign-key-left'
  readonly on: (row: unknown) => Key | null
}
/** Tells the tasks of the foreign keys which rows ask for them. */
export interface ForeignKeyAskSpec {
  readonly kind: 'foreign-key-ask'
}
/** Answers with the right row, at once and whenever it changes. */
export interface ForeignKeyRightSpec {
  readonly kind: 'foreign-key-right'
}
/** Sends the answers back to the rows that asked. */
export interface ForeignKeyAnswerSpec {
  readonly kind: 'foreign-key-answer'
}
/** Rows of the left table with the answers to their last question. */
export interface ForeignKeyJoinSpec {
  readonly kind: 'foreign-key-join'
  readonly type: 'inner' | 'left'
}

/** The first records of each key. */
export interface TopNSpec {
  readonly kind: 'top-n'
  readonly n: number
  readonly by: (value: unknown) => Ordered
  readonly order: TopOrder
}
/** The first of records that are alike and close in time. */
export interface DedupeSpec {
  readonly kind: 'dedupe'
  readonly by: Fn | null
  readonly withinMs: number
}
/** Records that differ from the one before. */
export interface ChangesSpec {
  readonly kind: 'changes'
  readonly of: Fn | null
}

export type TableSpec =
  | ToTableSpec
  | TableMapSpec
  | TableFilterSpec
  | TableRowsSpec
  | TableChangesSpec
  | TableJoinSpec
  | RegroupSpec
  | TableFoldSpec
  | TableTopNSpec
  | ForeignKeyLeftSpec
  | ForeignKeyAskSpec
  | ForeignKeyRightSpec
  | ForeignKeyAnswerSpec
  | ForeignKeyJoinSpec
  | TopNSpec
  | DedupeSpec
  | ChangesSpec
