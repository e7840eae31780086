/** The types of tables and of steps that compare a key's records: options, and what they give. */
import type { Duration } from '../core/duration.ts'
import type { KeyPart } from '../core/key.ts'
import type { Ordered } from './aggregators/extreme.ts'
import type { JoinType } from './join-spec.ts'
import type { TableJoinType } from './join-types.ts'

/** A change of a table's row. null: there was none, or there is none any more; never both. */
export interface Change<out V> {
  readonly before: V | null
  readonly after: V | null
}

/** A record that differs from the one given before. */
export interface Changed<out V> {
  /** The record given before; null: none, it is the key's first. */
  readonly before: V | null
  readonly after: V
}

/** The first values of a key or group, best first. */
export interface Top<out K, out V> {
  readonly key: K
  readonly top: readonly V[]
}

export interface TopNOptions<in V> {
  /** What is compared: a number, bigint, string or Date. */
  readonly by: (value: V) => Ordered
  /** `'desc'` (default): greatest first. `'asc'`: smallest first. */
  readonly order?: 'desc' | 'asc'
}

export interface DedupeOptions<in V> {
  /** How far apart in event time two records may be and count as the same one. From `'1ms'`. */
  readonly within: Duration
  /** What makes two records of a key the same. Default: the key alone. */
  readonly by?: (value: V) => KeyPart
}

/** How long running results are kept. */
export interface RunningOptions {
  /**
   * A key without a record for so long, in event time, loses its row, and what was kept for it.
   * From
   * `'1ms'`. Default: never, what is kept grows with the number of keys.
   */
  readonly ttl?: Duration
}

/** Options of a join of two tables by their keys. */
export interface KeyJoinOptions<T extends JoinType> {
  /**
   * Which rows come without a partner, with null in its place: none (`'inner'`, default), those of
   * the left table, of the `'right'` one, or of both (`'full'`).
   */
  readonly type?: T
  readonly on?: never
}

/** Options of a join of two tables by a foreign key. */
export interface ForeignKeyJoinOptions<in V, out K, T extends TableJoinType> {
  /** The key of the right table's row, by the left one; null: none. */
  readonly on: (row: V) => K | null
  /** `'left'`: a row without a partner comes too, with null in its place. Default `'inner'`. */
  readonly type?: T
}
