/**
 * What users build pipelines with. A stream is a value: its methods give new ones and do no I/O.
 */
import type { Duration } from '../core/duration.ts'
import type { Key } from '../core/key.ts'
import type { AggregatorOf } from './aggregator.ts'
import type { StreamJoin } from './join-how.ts'
import type { JoinType } from './join-spec.ts'
import type {
  GlobalJoinOptions,
  GlobalTable,
  Joined,
  JoinedKey,
  JoinedTable,
  KeyLike,
  Pair,
  StreamJoinOptions,
  TableJoinOptions,
  TableJoinType,
} from './join-types.ts'
import type { Node, Pipeline, WindowSpec } from './node.ts'
import type { Lookup } from './lookup.ts'
import type { MapAsyncInfo, MapAsyncOptions } from './map-async.ts'
import type { Match, MatchOptions, TimedOut } from './patterns/match-options.ts'
import type { PatternOver, PatternStart } from './patterns/pattern-value.ts'
import type { OutputTypes, OutputValues, ProcessOptions, States } from './process.ts'
import type { SinkOf } from './sink-spec.ts'
import type { Split } from './split.ts'
import type {
  Change,
  Changed,
  DedupeOptions,
  ForeignKeyJoinOptions,
  KeyJoinOptions,
  RunningOptions,
  Top,
  TopNOptions,
} from './table-types.ts'
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
   * that does gives a further result at once, `window.revision` 1, 2, … Default `'0ms'`.
   */
  readonly lateness?: Duration
  /**
   * When results come. `'final'` (default): once, when the window is complete. `'updates'`: with
   * each change. `{ early: '1s' }`: every second of wall-clock time (at its multiples since 1970),
   * what has changed, in order of window end, then key. Both give one more when the window is
   * complete. `window.pane` tells them apart.
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
   * Makes another value of each by a function that answers later: a call of something outside.
   * Results come in the order of the records; key and event time stay, and windows behind it hold
   * what they would hold behind `map`. A record whose call fails, after the repeats, or takes too
   * long goes to `<topic>.dead`. A commit waits for the calls under way; after a crash they are
   * made again, so what they do outside happens at least once.
   * @throws `invalid-argument` · `invalid-duration`
   * @example
   * from(lines).mapAsync(async (line, { signal }) => line.length, { concurrency: 4, timeout: '2s'
   * })
   */
  mapAsync<R>(
    fn: (value: V, info: MapAsyncInfo<K>) => Promise<R> | R,
    options?: MapAsyncOptions,
  ): Stream<R, K>

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
   * Cuts the stream into `count` ones by key, of about as many keys each: all records of a key take
   * the same one.
   * @param count 1 to 100
   * @throws `invalid-argument`
   * @example
   * const [some, others] = from(orders).split(2)
   */
  split<const N extends number>(this: Stream<V, Key> | NeedsKey, count: N): Split<Stream<V, K>, N>

  // First of the joins: a function's parameter has the type that the first signature gives it.
  /**
   * Pairs each record with the row that a function finds outside for a key of it, in the order of
   * the records; types `'inner'` and `'left'`. Results are `{ left, right }`, with the record's key
   * and event time. See `lookup`.
   * @throws `invalid-argument`
   * @example
   * from(orders).join(lookup(async (id: string) => ({ id }), { by: (order) => order.customer }))
   */
  join<W, T extends TableJoinType = 'inner'>(
    other: Lookup<V, W>,
    options?: { readonly type?: T },
  ): Stream<Pair<V, W, T>, K>
  /**
   * Pairs records of this stream (left) with those of another one (right) that have the same key,
   * or with the rows of a table. Results are `{ left, right }`. Where the type of join gives a
   * record without a partner, null stands in its place. A record that is too late for the join goes
   * to `<topic>.late`, one without key to `<topic>.dead`.
   *
   * Two streams, joined by `how`:
   * - `within('5m')`: event times at most so far apart. Each pair comes once, when the second of
   *   the two arrives, with the later event time; a record's partners in order of event time, then
   *   of arrival. A record without a partner comes once, when none can come any more, with its own
   *   event time; those in order of event time, key, left before right. They are older than the
   *   watermark: event time behind the join lags by the interval (+ `lateness`), so that a window
   *   behind it finds none of them late.
   * - `sameWindow(tumbling('10s'))`: within one window, at its close; `{ window, left, right }`.
   * - `asOf('1s')`: each left record with the newest right one that is not younger, at most so much
   *   older, when event time has passed the left record; types `'inner'` and `'left'`.
   * @throws `invalid-argument` · `invalid-duration`; with the plan `invalid-plan`: an interval that
   * holds nothing, an outer join within `'forever'`, windows that cannot be joined by
   * @example
   * from(orders).join(from(payments), within({ after: '5m' }), { type: 'left', lateness: '10s' })
   */
  join<W, K2 extends KeyLike<K>, H extends StreamJoin, T extends JoinType = 'inner'>(
    this: Stream<V, Key> | NeedsKey,
    other: Stream<W, K2>,
    how: H,
    options?: StreamJoinOptions<H, T>,
  ): Stream<Joined<H, V, W, T>, JoinedKey<K, K2, T>>
  /**
   * With a table: each record with the row of its key, with the record's event time; types
   * `'inner'` and `'left'`. With the row that was valid at the record's event time, when event time
   * has passed it, in order of event time, key, arrival; records that event time has passed already
   * are joined at once as far back as `history`, then they are late. A change of the table is late
   * when no record can meet it any more. Or, `asOf: 'latest'`, with the row that is there when the
   * record is processed, at once; then nothing is late.
   * @throws `invalid-argument` · `invalid-duration`; with the plan `invalid-plan`: no history
   * @example
   * from(orders).join(table(customers), { type: 'left', history: '1h' })
   */
  join<W, K2 extends KeyLike<K>, T extends TableJoinType = 'inner'>(
    this: Stream<V, Key> | NeedsKey,
    other: JoinedTable<W, K2>,
    options?: TableJoinOptions<T>,
  ): Stream<Pair<V, W, T>, K>
  /**
   * With a global table: each record with the row of a key that `by` computes of it (default: its
   * own), as it is when the record is processed, at once; types `'inner'` and `'left'`. Where `by`
   * gives null, there is no row. Nothing has to move, and nothing is late.
   * @throws `invalid-argument`
   * @example
   * from(orders).join(globalTable(rates), { by: (order) => order.currency })
   */
  join<W, K2, T extends TableJoinType = 'inner'>(
    other: GlobalTable<W, K2>,
    options: GlobalJoinOptions<V, KeyLike<K2>, T>,
  ): Stream<Pair<V, W, T>, K>
  join<W, K2 extends KeyLike<K>, T extends TableJoinType = 'inner'>(
    this: Stream<V, Key> | NeedsKey,
    other: GlobalTable<W, K2>,
    options?: { readonly type?: T },
  ): Stream<Pair<V, W, T>, K>

  /**
   * Groups by key and window. A record that is later than end + `lateness` for every window it
   * would belong to goes to `<topic>.late`; windows of processing time and of counts know no late
   * ones.
   * @throws `invalid-duration` · `invalid-argument` · `invalid-plan`, when the plan is made, naming
   * the step: an aggregator without `merge` in a window that merges parts (sliding, cumulative,
   * session, trailing, overlapping counts); `lateness` where nothing is late; `emit` with a global
   * window
   * @example
   * from(readings).window(tumbling('1m'), { lateness: '10s' }).aggregate({ n: count() })
   */
  window(
    this: Stream<V, Key> | NeedsKey,
    window: WindowSpec,
    options?: WindowOptions,
  ): WindowedStream<V, K>

  /**
   * Groups by key, for ever: a table of each key's result so far, which every record of the key
   * changes. What is kept grows with the number of keys; with a `ttl`, a key without a record for
   * so long in event time loses its row, and a record older than that, without a row that it could
   * change, goes to `<topic>.late`.
   * @param aggregates result field → aggregator; at least one
   * @returns a table of rows `{ key, …fields }`; a change has the event time of the record that
   * caused it, the end of a row that of the key's last record + `ttl`
   * @throws `invalid-argument` · `invalid-duration`
   * @example
   * from(payments).keyBy((p) => p.account).aggregate({ total: sum((p) => p.amount) })
   */
  aggregate<R>(
    this: Stream<V, Key> | NeedsKey,
    aggregates: Aggregates<V, R>,
    options?: RunningOptions,
  ): Table<Flat<{ key: K } & R>, K>

  /**
   * As `aggregate`, with one value: the key's first value as it is, then `fn(soFar, value)`.
   * @param fn gives the next value and leaves `soFar` as it was
   * @returns a table of rows `{ key, value }`
   * @throws `invalid-argument` · `invalid-duration`
   * @example
   * from(scores).keyBy((s) => s.player).reduce((best, s) => (s.points > best.points ? s : best))
   */
  reduce(
    this: Stream<V, Key> | NeedsKey,
    fn: (soFar: V, value: V) => V,
    options?: RunningOptions,
  ): Table<{ key: K; value: V }, K>

  /**
   * A table: the newest record of each key, in order of arrival, is its row; null deletes it. Event
   * time does not matter, nothing is late. As Kafka Streams' `toTable`.
   * @returns a table; a change has the event time of the record that caused it
   * @example
   * from(readings).map((r) => (r.celsius > 90 ? r : null)).toTable()
   */
  toTable(this: Stream<V, Key> | NeedsKey): Table<NonNullable<V>, K>

  /**
   * The first records of each key, by what `by` gives; of equal ones the one that came first. Kept
   * are n records a key, which grows with the number of keys. Never late. A record that gives NaN,
   * an invalid Date or a type without order goes to `<topic>.dead`.
   * @param n 1 to 1000
   * @returns a table of rows `{ key, top }`, best first; it changes when the first n do
   * @throws `invalid-argument`
   * @example
   * from(bids).topN(10, { by: (bid) => bid.price })
   */
  topN(this: Stream<V, Key> | NeedsKey, n: number, options: TopNOptions<V>): Table<Top<K, V>, K>

  /**
   * Leaves out records that were there already: of those that have the same key (and the same `by`)
   * and lie at most `within` apart in event time, before or after, the first to arrive is given on.
   * What was left out does not count: what is repeated for ever comes again after `within`.
   *
   * Exact for records that come at most `within` behind the time reached; older ones go to
   * `<topic>.late`. Times are kept for twice to three times `within`.
   * @throws `invalid-argument` · `invalid-duration`
   * @example
   * from(payments).dedupe({ by: (payment) => payment.id, within: '10m' })
   */
  dedupe(this: Stream<V, Key> | NeedsKey, options: DedupeOptions<V>): Stream<V, K>

  /**
   * Gives a record when it differs from the key's record given before, or is the first. Plain data
   * are compared by content; NaN is like NaN, −0 is not like 0. In order of arrival, never late.
   * Kept is a record a key, which grows with the number of keys.
   * @param of what is compared; default: the whole value
   * @returns records `{ before, after }`: the `before` of each is the `after` of the one before;
   * null for the first
   * @throws `invalid-argument`
   * @example
   * from(machines).changes((machine) => machine.state)
   */
  changes(this: Stream<V, Key> | NeedsKey, of?: (value: V) => unknown): Stream<Changed<V>, K>

  /**
   * Looks for a pattern in the records of each key, in order of event time; those of equal time in
   * order of arrival. A match is given when it is known: when event time has passed its last
   * record, or, for absence at the end of a pattern, its deadline. A record that event time has
   * passed already goes to `<topic>.late`; one at which a condition throws to `<topic>.dead`, and
   * counts as absent.
   * @param pattern a value made by `pattern<V>()`, or a function that builds one
   * @returns matches `{ key, match, startTime, endTime }`; their `timedOut`: what had begun when
   * the pattern's time (`within`) was up, `{ key, partial, startTime, deadline }`
   * @throws `invalid-argument`; with the plan `invalid-plan`: a pattern that cannot be complete, or
   * without `within` and without limit
   * @example
   * const { timedOut } = from(orders).match((p) =>
   *   p
   *     .one('placed', (order) => order.state === 'placed')
   *     .followedBy.one('paid', (order) => order.state === 'paid')
   *     .within('1h'),
   * )
   */
  match<W, M>(
    this: Stream<W, Key> | NeedsKey,
    pattern: PatternOver<W, M> | ((start: PatternStart<W>) => PatternOver<W, M>),
    options?: MatchOptions<M>,
  ): Matches<K, M>

  /**
   * Calls your own functions with each record and with timers, and keeps state for each key: for
   * what no other step does. What a call does (state, timers, emitted values) happens as a whole
   * or, where it throws, not at all: then the record goes to `<topic>.dead`, a timer's letter has
   * the timer as its value, and the timer is gone. No record is late for it.
   * @param options `state`: what is kept of each key; `emits`, `outputs`: the types of what is
   * emitted; `ttl`; `onRecord`, `onTimer`. A state that is added later begins empty; one that
   * becomes of another kind begins anew
   * @returns the stream of what is emitted; with `outputs` an object of streams, `main` and the
   * named ones
   * @throws `invalid-argument` · `invalid-duration`
   * @example
   * const { main, calm } = from(payments).process({
   *   state: { failures: valueState<number>({ default: 0 }) },
   *   emits: output<{ amount: number }>(),
   *   outputs: { calm: output<string>() },
   *   ttl: '1h',
   *   onRecord(payment, ctx) {
   *     ctx.emit({ amount: payment.amount })
   *     ctx.state.failures.set(ctx.state.failures.get() + 1)
   *     ctx.timers.event(ctx.time + 60_000, 'calm')
   *   },
   *   onTimer(timer, ctx) {
   *     ctx.output.calm(`${ctx.state.failures.get()} within a minute`)
   *   },
   * })
   */
  process<S extends States = {}, R = never, O extends OutputTypes = {}>(
    this: Stream<V, Key> | NeedsKey,
    options: ProcessOptions<V, K, S, R, O>,
  ): Processed<OutputValues<NoInfer<O>>, R, K>

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
   *
   * Or gives the records to a sink, which takes them out of Millrace: to a function, a database, a
   * web server. They are appended, exactly once, to the sink's outbox, a topic
   * `<pipeline>.<sink>.outbox`, and delivered from there in an own time: those of a key in order,
   * each until it is taken. A sink that is slow or away holds nobody else up.
   * @throws `invalid-argument`; with the plan `invalid-plan` for two sinks of one name
   * @example
   * from(readings).filter((r) => r.celsius > 90).to(topic('hot'))
   */
  to(target: Topic<V, unknown> | SinkOf<V, K>): Pipeline
}

/** What `process` gives: a stream, or one for each output, by name. */
export type Processed<O, R, K> = keyof O extends never
  ? Stream<R, K>
  : { readonly main: Stream<R, K> } & { readonly [N in keyof O]: Stream<O[N], K> } & {
      /** As `named` of a stream: names the step. */
      named(name: string): Processed<O, R, K>
    }

/** The matches of a pattern, with a second output. */
export interface Matches<K, M> extends Stream<Match<K, M>, K> {
  /** What had begun when the pattern's time was up. Nothing without `within`. */
  readonly timedOut: Stream<TimedOut<K, M>, K>
  named(name: string): Matches<K, M>
}

/** What the compiler shows where a table is used as a stream. */
export type NeedsStream =
  'a table has no such step: .toStream() or .changes() give a stream, .groupBy(fn) groups rows'

/** Cannot be called: nothing is a `NeedsStream`. @throws `invalid-argument` */
export type NoStep = (this: NeedsStream, ...given: readonly unknown[]) => never

/**
 * Rows of values `V`, one for each key `K`, that change: the newest record of each key, a result so
 * far, the rows of two tables that belong together. Where rows are grouped or joined, a change of
 * one takes back what it was before, so that results are always those of the rows that there are.
 *
 * The functions given to its methods are as those of streams: they depend on the row alone, also
 * because a row that changes may pass through them again, to be taken back. Where one throws, the
 * change is undone and goes to `<topic>.dead`, and the row stays as it was.
 *
 * A step that is added to a pipeline that has run before sees the changes from then on.
 */
export interface Table<out V, out K> extends JoinedTable<V, K> {
  readonly kind: 'table'
  /** The step made last. */
  readonly node: Node

  /**
   * Makes another row of each; null: none. Key and event time stay.
   * @example
   * table(customers).map((customer) => customer.name)
   */
  map<R>(fn: (row: V) => R): Table<NonNullable<R>, K>

  /**
   * Keeps the rows for which `fn` gives true; a row that does not pass any more is deleted.
   * @example
   * table(customers).filter((customer) => customer.active)
   */
  filter<R extends V>(fn: (row: V) => row is R): Table<R, K>
  filter(fn: (row: V) => boolean): Table<V, K>

  /**
   * The rows of two tables that have the same key, as `{ left, right }`, with null on the side that
   * has none, where the type of join gives such rows. A change of either side counts at once, in
   * order of arrival; nothing is late. As Kafka Streams' join of tables.
   * @throws `invalid-argument`
   * @example
   * table(customers).join(table(balances), { type: 'left' })
   */
  join<W, K2 extends KeyLike<K>, T extends JoinType = 'inner'>(
    other: JoinedTable<W, K2>,
    options?: KeyJoinOptions<T>,
  ): Table<Pair<V, W, T>, JoinedKey<K, K2, T>>
  /**
   * Each row with the row of the other table whose key `on` computes of it: many rows may share
   * one. Changes of either side count, and so do changes of the foreign key; types `'inner'` and
   * `'left'`. Where several tasks run, rows ask the task of their foreign key; an answer counts
   * if it is the one to their last question. (After Kafka Streams, KIP-213.)
   * @throws `invalid-argument`
   * @example
   * table(orders).join(table(customers), { on: (order) => order.customer, type: 'left' })
   */
  join<W, K2, T extends TableJoinType = 'inner'>(
    other: JoinedTable<W, K2>,
    options: ForeignKeyJoinOptions<V, KeyLike<K2>, T>,
  ): Table<Pair<V, W, T>, K>

  /**
   * Groups rows, to aggregate them: a row that changes is taken out of its old group and put into
   * its new one.
   * @param fn the group's key
   * @throws `invalid-argument`
   * @example
   * table(customers).groupBy((customer) => customer.country).aggregate({ customers: count() })
   */
  groupBy<const K2 extends Key>(fn: (row: V) => K2): GroupedTable<V, K2>

  /**
   * The stream of new rows; that a row goes away does not show in it.
   * @example
   * from(payments).aggregate({ n: count() }).toStream().flatMap(({ n }) => (n === 3 ? ['!'] : []))
   */
  toStream(): Stream<V, K>

  /**
   * The stream of all changes, `{ before, after }`: null where there was no row, or is none any
   * more.
   * @example
   * table(customers).changes().filter(({ after }) => after === null)
   */
  changes(): Stream<Change<V>, K>

  /** Names the step made last, as `named` of a stream. */
  named(name: string): Table<V, K>

  /** Shows new rows, as `print` of a stream. */
  print(options?: PrintOptions<V>): Pipeline

  /** Calls a function with each new row, as `forEach` of a stream. */
  forEach(fn: (row: V, record: RecordInfo<K>) => void): Pipeline

  /**
   * Appends each change to a topic, exactly once: the new row, or a tombstone (a record without
   * value) where it goes away. Key: of the topic's `key` function, which must give the table's key;
   * else the table's key. With `compact`, the topic is the table. Or gives each change to a sink,
   * as `to` of a stream: the new row, or null where it goes away.
   * @example
   * from(payments).aggregate({ n: count() }).to(topic('counts', { compact: true }))
   */
  to(target: Topic<V, unknown> | SinkOf<V | null, K>): Pipeline

  /** Steps of streams: these tell what to do instead. */
  readonly window: NoStep
  readonly keyBy: NoStep
  readonly merge: NoStep
  readonly flatMap: NoStep
}

/** Rows of a table, grouped by keys `K`. */
export interface GroupedTable<out V, out K> {
  readonly kind: 'grouped-table'
  /** The step that gives the rows. */
  readonly node: Node

  /**
   * What the rows of each group add up to, now: a row that changes or goes is taken back. Where a
   * row stays in its group, one change comes; a group without rows has no result. Aggregators that
   * cannot take back are refused with the plan: `invalid-plan`.
   *
   * Where several tasks run, groups are in other tasks than rows. Where a later step throws there,
   * the row has changed and its group has not.
   * @param aggregates result field → aggregator; at least one
   * @returns a table of rows `{ key, …fields }` by group
   * @throws `invalid-argument`
   * @example
   * from(readings)
   *   .aggregate({ peak: max((r) => r.celsius) })
   *   .groupBy(() => 'all devices')
   *   .aggregate({ meanPeak: mean((row) => row.peak) })
   */
  aggregate<R>(aggregates: Aggregates<V, R>): Table<Flat<{ key: K } & R>, K>

  /**
   * The first rows of each group, as they are now; of equal ones those with the smaller key first.
   * All rows are kept, in order, so that another one follows when one gets worse or goes.
   * @param n 1 to 1000
   * @returns a table of rows `{ key, top }` by group, best first; it changes when the first n do
   * @throws `invalid-argument`
   * @example
   * table(players).groupBy((player) => player.team).topN(3, { by: (player) => player.points })
   */
  topN(n: number, options: TopNOptions<V>): Table<Top<K, V>, K>
}

/**
 * A stream grouped by key and window. A window gives its results when its time (event time, or the
 * wall clock) reaches its end, in order of window end, then key.
 */
export interface WindowedStream<out V, out K> {
  readonly kind: 'windowed-stream'
  /** The step whose records are grouped. */
  readonly node: Node

  /**
   * @param aggregates result field → aggregator; at least one
   * @returns results `{ key, window, …fields }`; their event time is the window's last ms (of a
   * session its end, of a count or global window the greatest of its records)
   * @example
   * from(readings).window(tumbling('1m')).aggregate({ peak: max((r) => r.celsius), n: count() })
   */
  aggregate<R>(aggregates: Aggregates<V, R>): Stream<Flat<{ key: K; window: Window } & R>, K>

  /**
   * The window's first value as it is, then `fn(soFar, value)`.
   * @param fn gives the next value and leaves `soFar` as it was. Where a window merges parts
   * (sliding, cumulative, session, trailing, overlapping counts) both are results of it: it must
   * not matter how values are put in brackets
   * @returns results `{ key, window, value }`
   * @example
   * from(readings).window(tumbling('1h')).reduce((a, b) => (b.celsius > a.celsius ? b : a))
   */
  reduce(fn: (soFar: V, value: V) => V): Stream<{ key: K; window: Window; value: V }, K>
}
