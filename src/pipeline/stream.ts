/**
 * What users build pipelines with. A stream is a value: its methods give new ones and do no I/O.
 */
import type { Duration } from '../core/duration.ts'
import type { Key } from '../core/key.ts'
import type { AggregatorOf } from './aggregator.ts'
import type { Node, Pipeline, WindowSpec } from './node.ts'
import type { Topic } from './topic.ts'
import type { Window } from './window.ts'

/** What the compiler shows where a step groups by key and the stream has none. */
export type NeedsKey = 'this stream has no key: call .keyBy(fn) first, or give its topic a key'

type Flat<T> = { [P in keyof T]: T[P] }

/** What the compiler shows where an aggregate's field is `key` or `window`. */
export type TakenField = 'every result has key and window by itself: call this field something else'

/** `aggregate`'s argument: result field → aggregator. `key` and `window` are taken. */
export type Aggregates<V, R> = { readonly [N in keyof R]: AggregatorOf<V, R[N]> } & {
  readonly key?: TakenField
  readonly window?: TakenField
}

/** `branch`'s argument: name → predicate. `rest` is taken. */
export type BranchCases<V> = Readonly<Record<string, (value: V) => boolean>>

/** What a type guard lets through, else V. */
type Narrowed<V, P> = P extends ((value: V) => value is infer R extends V) ? R : V
/** What no record behind a type guard can be; nothing for a plain predicate. */
type Excluded<V, P> = P extends ((value: V) => value is infer R extends V) ? R : never

/** What `branch` gives: one stream for each case, and `rest`. */
export type Branches<V, K, C> = Flat<
  { readonly [N in keyof C]: Stream<Narrowed<V, C[N]>, K> } & {
    readonly rest: Stream<Exclude<V, { [N in keyof C]: Excluded<V, C[N]> }[keyof C]>, K>
  }
>

type ValueOf<S> = S extends Stream<infer W, unknown> ? W : never

/** What `forEach` is told beside the value. */
export interface RecordInfo<K> {
  readonly key: K
  /** Event time, ms since 1970. */
  readonly time: number
}

export interface PrintOptions<V> {
  /**
   * Shows batches of this wall-clock length, each under its time. From `'1ms'`. Default: each
   * record at once.
   */
  readonly every?: Duration
  /** Records shown of each batch, from 1; the others are counted. Default 10. */
  readonly first?: number
  /** Put before what is shown. */
  readonly label?: string
  /** A value as text, one line. Default: text as it is, all else as JSON. */
  readonly format?: (value: V) => string
}

export interface WindowOptions {
  /**
   * How long after a window's end (in event time) a record may still change its result. Each one
   * that does gives a further result, `window.revision` 1, 2, … Default `'0ms'`.
   */
  readonly lateness?: Duration
  /**
   * When results come. `'final'` (default): once, when the window is complete. `'updates'`: with
   * each change. `{ early: '1s' }`: every second of wall-clock time, if something has changed. Both
   * give one more when the window is complete. `window.pane` tells them apart.
   */
  readonly emit?: 'final' | 'updates' | { readonly early: Duration }
}

/**
 * Records of values `V`, each with an event time and a key `K` (null: none).
 *
 * The functions given to its methods are synchronous and depend on their argument alone: after a
 * crash a record may pass through them again. Where one throws, all that the record did is undone,
 * it goes to `<topic>.dead` with the step's name, and the next record proceeds.
 */
export interface Stream<out V, out K = null> {
  readonly kind: 'stream'
  /** The step made last. */
  readonly node: Node

  /**
   * Makes another value of each. Key and event time stay.
   * @example
   * from(lines).map((line) => line.length)
   */
  map<R>(fn: (value: V) => R): Stream<R, K>

  /**
   * Keeps the records for which `fn` gives true; a type guard narrows the values.
   * @example
   * from(readings).filter((r) => r.celsius > 90)
   */
  filter<R extends V>(fn: (value: V) => value is R): Stream<R, K>
  filter(fn: (value: V) => boolean): Stream<V, K>

  /**
   * Makes any number of values of each, in order. Key and event time stay.
   * @example
   * from(lines).flatMap((line) => line.split(' '))
   */
  flatMap<R>(fn: (value: V) => Iterable<R>): Stream<R, K>

  /**
   * Sends each record to the first case whose predicate gives true, else to `rest`. Type guards
   * narrow.
   * @param cases at least one; names of `a-z A-Z 0-9 . _ -`, not `rest`
   * @throws `invalid-argument`
   * @example
   * const { hot, cold, rest } = from(readings).branch({
   *   hot: (r) => r.celsius > 30,
   *   cold: (r) => r.celsius < 0,
   * })
   */
  branch<C extends BranchCases<V>>(cases: C & { readonly rest?: never }): Branches<V, K, C>

  /**
   * One stream of the records of several, as they come. All have the same type of key.
   * @example
   * from(web).merge(from(mobile), from(kiosk))
   */
  merge<const S extends readonly Stream<unknown, K>[]>(
    ...others: S
  ): Stream<V | ValueOf<S[number]>, K>

  /**
   * Gives each record another key: a string, number, bigint or boolean, or an array of these. Where
   * a later step groups by it and a pipeline runs as several tasks, records change partitions.
   * @example
   * from(orders).keyBy((order) => [order.country, order.product])
   */
  keyBy<const K2 extends Key>(fn: (value: V) => K2): Stream<V, K2>

  /**
   * Groups by key and window of event time. A record later than the window's end + `lateness` goes
   * to `<topic>.late`.
   * @throws `invalid-duration` · `invalid-argument`
   * @example
   * from(readings).window(tumbling('1m'), { lateness: '10s' }).aggregate({ n: count() })
   */
  window(
    this: Stream<V, Key> | NeedsKey,
    window: WindowSpec,
    options?: WindowOptions,
  ): WindowedStream<V, K>

  /**
   * Groups by key, for ever: each record gives the key's result so far. What is kept grows with the
   * number of keys.
   * @param aggregates result field → aggregator; at least one
   * @returns results `{ key, …fields }` with the event time of the record that caused them
   * @example
   * from(payments).keyBy((p) => p.account).aggregate({ total: sum((p) => p.amount) })
   */
  aggregate<R>(
    this: Stream<V, Key> | NeedsKey,
    aggregates: Aggregates<V, R>,
  ): Stream<Flat<{ key: K } & R>, K>

  /**
   * As `aggregate`, with one value: the key's first value as it is, then `fn(soFar, value)`.
   * @param fn gives the next value and leaves `soFar` as it was
   * @returns results `{ key, value }`
   * @example
   * from(scores).keyBy((s) => s.player).reduce((best, s) => (s.points > best.points ? s : best))
   */
  reduce(
    this: Stream<V, Key> | NeedsKey,
    fn: (soFar: V, value: V) => V,
  ): Stream<{ key: K; value: V }, K>

  /**
   * Names the step made last. State belongs to the name: one given survives a rebuild of the
   * pipeline around it. Without one, the name follows from the step's place.
   * @param name 1 to 60 of `a-z 0-9 . _ -`, not `main`
   * @throws `invalid-argument`
   * @example
   * from(payments).keyBy((p) => p.account).aggregate({ n: count() }).named('velocity')
   */
  named(name: string): Stream<V, K>

  /**
   * Shows records on the terminal. At least once: after a crash, what came since the last commit is
   * shown again.
   * @throws `invalid-duration` · `invalid-argument`
   * @example
   * from(lines).print({ every: '1s', first: 10 })
   */
  print(options?: PrintOptions<V>): Pipeline

  /**
   * Calls a function for its effect. At least once: after a crash, records since the last commit
   * come again. A promise is not awaited.
   * @example
   * from(alerts).forEach((alert, { time }) => send(alert, time))
   */
  forEach(fn: (value: V, record: RecordInfo<K>) => void): Pipeline

  /**
   * Appends to a topic, exactly once. Key: of the topic's `key` function, else the stream's; record
   * time: the event time.
   * @example
   * from(readings).filter((r) => r.celsius > 90).to(topic('hot'))
   */
  to(topic: Topic<V, unknown>): Pipeline
}

/**
 * A stream grouped by key and window. A window gives its results, in order of key, when event time
 * reaches its end.
 */
export interface WindowedStream<out V, out K> {
  readonly kind: 'windowed-stream'
  /** The step whose records are grouped. */
  readonly node: Node

  /**
   * @param aggregates result field → aggregator; at least one
   * @returns results `{ key, window, …fields }`; their event time is the window's last ms
   * @example
   * from(readings).window(tumbling('1m')).aggregate({ peak: max((r) => r.celsius), n: count() })
   */
  aggregate<R>(aggregates: Aggregates<V, R>): Stream<Flat<{ key: K; window: Window } & R>, K>

  /**
   * The window's first value as it is, then `fn(soFar, value)`.
   * @param fn gives the next value and leaves `soFar` as it was
   * @returns results `{ key, window, value }`
   * @example
   * from(readings).window(tumbling('1h')).reduce((a, b) => (b.celsius > a.celsius ? b : a))
   */
  reduce(fn: (soFar: V, value: V) => V): Stream<{ key: K; window: Window; value: V }, K>
}
