/** The types of `join`: its options, what it gives, and what it joins with besides streams. */
import type { Duration } from '../core/duration.ts'
import type { AsOf, Forever, SameWindow, StreamJoin, Within } from './join-how.ts'
import type { JoinType } from './join-spec.ts'
import type { Node, SourceNode } from './node.ts'
import type { Window } from './window.ts'

/** A table, as far as a join with it needs to know. */
export interface JoinedTable<out W, out K> {
  readonly kind: 'table'
  /** Its records are changes `{ before, after }`; null: not there. */
  readonly node: Node
  /** Never there at run time; carries the types. */
  readonly '~types'?: { readonly value: W; readonly key: K } | undefined
}

/** Made by `globalTable`: a small topic that every task holds whole. */
export interface GlobalTable<out W, out K> {
  readonly kind: 'global-table'
  readonly node: SourceNode
  /** Never there at run time; carries the types. */
  readonly '~types'?: { readonly value: W; readonly key: K } | undefined
}

/**
 * What keys of the other side may be: of the same type, where it does not matter whether they are
 * literals or arrays are read-only.
 */
export type KeyLike<K> = K extends string
  ? string
  : K extends number
    ? number
    : K extends bigint
      ? bigint
      : K extends boolean
        ? boolean
        : K extends readonly unknown[]
          ? { readonly [I in keyof K]: KeyLike<K[I]> }
          : K

/** The types of join that a way of joining streams has. */
export type TypesOf<H> = H extends Forever ? 'inner' : H extends AsOf ? TableJoinType : JoinType

/** The types of join with a table. */
export type TableJoinType = 'inner' | 'left'

/** Options of a join of two streams; `T` is the type of join. */
export type StreamJoinOptions<H, T> = {
  /**
   * Which records come without a partner, with null in its place: none (`'inner'`, default), those
   * of the left side, of the `'right'` side, or of both (`'full'`).
   */
  readonly type?: T & TypesOf<H>
} & (H extends Within ? IntervalOptions : { readonly lateness?: never })

interface IntervalOptions {
  /**
   * How far a record's event time may lie behind the time reached, from `'0ms'` (default). Rows are
   * kept, and those without a partner given, so much later.
   */
  readonly lateness?: Duration
}

/** Options of a join with a table. */
export interface TableJoinOptions<T extends TableJoinType> {
  /** `'left'`: a record without a row comes too, with null in its place. Default `'inner'`. */
  readonly type?: T
  /**
   * Which row a record meets: the one that was valid at its event time (default), or the one that
   * is there when it is processed.
   */
  readonly asOf?: 'event time' | 'latest'
  /**
   * How far behind the time reached rows that were valid then are kept, for records that come late:
   * from `'1ms'`. Default: none, such records are late. They keep their event time: a window behind
   * the join may find them late, as it would without the join.
   */
  readonly history?: Duration
}

/** Options of a join with a global table. */
export interface GlobalJoinOptions<V, K, T extends TableJoinType> {
  /** `'left'`: a record without a row comes too, with null in its place. Default `'inner'`. */
  readonly type?: T
  /** The key of the row that a record meets; null: none. */
  readonly by: (value: V) => K | null
}

type Left<V, T> = [T] extends ['inner' | 'left'] ? V : V | null
type Right<W, T> = [T] extends ['inner' | 'right'] ? W : W | null

/** A row of each side; null only where the type of join allows it. */
export type Pair<V, W, T> = { left: Left<V, T>; right: Right<W, T> }

/** What a join of two streams gives. */
export type Joined<H extends StreamJoin, V, W, T> = H extends SameWindow
  ? { window: Window; left: Left<V, T>; right: Right<W, T> }
  : Pair<V, W, T>

/** Rows that only the right side has come under its key. */
export type JoinedKey<K, K2, T> = [T] extends ['inner' | 'left'] ? K : K | K2
