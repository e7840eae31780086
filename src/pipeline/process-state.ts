/** The states that a `process` step can keep of each key: what declares them, and their handles. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import type { Key } from '../core/key.ts'

/**
 * One value of the key in hand. Here as in all state, values are kept as they are handed in: to
 * change one, set another, and leave alone what `get` gave. What is changed in place is neither
 * undone when the record fails nor kept by a commit. Values are what structured clone takes: no
 * functions, no classes of your own.
 * @typeParam E what `get` gives where nothing was set
 */
export interface ValueState<T, E = undefined> {
  /** The value; where none was set, the default. */
  get(): T | E
  set(value: T): void
  /** Whether a value was set. */
  has(): boolean
  clear(): void
}

/** Entries of the key in hand. Each is kept by itself: a commit writes those that changed. */
export interface MapState<K extends Key, V> {
  readonly size: number
  get(key: K): V | undefined
  set(key: K, value: V): void
  has(key: K): boolean
  /** @returns whether it was there */
  delete(key: K): boolean
  /** In order of key: numbers by size, strings by code point. A copy. */
  keys(): K[]
  /** In order of key. A copy. */
  values(): V[]
  /** In order of key. A copy. */
  entries(): [K, V][]
  clear(): void
}

/** A list of the key in hand, kept in pieces: a commit writes those that changed. */
export interface ListState<T> extends Iterable<T> {
  readonly size: number
  push(value: T): void
  /** @param index from 0; a negative one counts from the end */
  at(index: number): T | undefined
  /** In order. A copy. */
  toArray(): T[]
  /** Puts these values in place of all. */
  replace(values: Iterable<T>): void
  clear(): void
}

export interface StateOptions {
  /**
   * Event time after the key's last record or timer at which this state of the key is dropped, in
   * place of the step's `ttl`; `'forever'`: never.
   */
  readonly ttl?: Duration | 'forever'
}

/** Declares a state; `H` is what handlers get for it. */
export interface StateDeclaration<out H> {
  readonly kind: 'value' | 'map' | 'list'
  readonly initial: unknown
  /** undefined: as the step's. null: never. */
  readonly ttlMs: number | null | undefined
  /** Never there at run time; carries the type. */
  readonly '~handle'?: H | undefined
}

/**
 * For `process`: one value of each key.
 * @param options `default`: what `get` gives where none was set, else undefined; the same one for
 * every key. `ttl`: when it is dropped
 * @throws `invalid-duration`
 * @example
 * valueState<number>({ default: 0 })
 */
export function valueState<T>(
  options: StateOptions & { readonly default: T },
): StateDeclaration<ValueState<T, never>>
export function valueState<T>(options?: StateOptions): StateDeclaration<ValueState<T>>
export function valueState<T>(
  options: StateOptions & { readonly default?: T } = {},
): StateDeclaration<ValueState<T>> {
  return { kind: 'value', initial: options.default, ttlMs: ttlOf(options) }
}

/**
 * For `process`: a map of each key, by keys of its own (a string, number, bigint or boolean, or an
 * array of these).
 * @param options `ttl`: when it is dropped, as a whole
 * @throws `invalid-duration`
 * @example
 * mapState<string, Date>({ ttl: '1d' })
 */
export function mapState<K extends Key, V>(
  options: StateOptions = {},
): StateDeclaration<MapState<K, V>> {
  return { kind: 'map', initial: undefined, ttlMs: ttlOf(options) }
}

/**
 * For `process`: a list of each key.
 * @param options `ttl`: when it is dropped, as a whole
 * @throws `invalid-duration`
 * @example
 * listState<{ at: number }>()
 */
export function listState<T>(options: StateOptions = {}): StateDeclaration<ListState<T>> {
  return { kind: 'list', initial: undefined, ttlMs: ttlOf(options) }
}

function ttlOf({ ttl }: StateOptions): number | null | undefined {
  if (ttl === undefined) return undefined
  return ttl === 'forever' ? null : durationMs(ttl, 'ttl')
}
