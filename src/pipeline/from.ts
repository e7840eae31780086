/**
 * `from`: where a pipeline begins, and the streams that grow from it. Functions lose their types
 * here: nodes are data.
 */
import { durationMs } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { Key } from '../core/key.ts'
import { checked, checkedName, refuse, specOf } from './checked.ts'
import { aggregateNode, groupingOf, reduceNode, runningGrouping } from './fold-node.ts'
import type { Grouping } from './fold-node.ts'
import { joinNode } from './join-node.ts'
import type { JoinedWith } from './join-node.ts'
import type {
  BranchNode,
  ForEachNode,
  Node,
  Pipeline,
  PrintOptions as PrintSpec,
  StepNode,
  WindowSpec,
} from './node.ts'
import { mapAsyncNode } from './map-async.ts'
import type { MapAsyncInfo, MapAsyncOptions } from './map-async.ts'
import { matchNode, timedOutName } from './match-node.ts'
import type { Match, MatchOptions, TimedOut } from './patterns/match-options.ts'
import { NodeTable } from './node-table.ts'
import { changesNode, dedupeNode, topNNode, topSettings } from './per-key-node.ts'
import { processNode, processOutputs } from './process-node.ts'
import type { SourceSpec } from './source-spec.ts'
import { isSource, startOf } from './source-start.ts'
import type { SourceStart, SourceStartOptions } from './source-start.ts'
import { splitNodes } from './split.ts'
import type { Split } from './split.ts'
import { toTableNode } from './table-node.ts'
import type { Changed, DedupeOptions, RunningOptions, Top, TopNOptions } from './table-types.ts'
import type {
  Aggregates,
  BranchCases,
  Branches,
  Matches,
  PrintOptions,
  RecordInfo,
  Stream,
  Table,
  WindowOptions,
  WindowedStream,
} from './stream.ts'
import { outputTo, sink } from './sink.ts'
import type { SinkOf } from './sink-spec.ts'
import type { Topic } from './topic.ts'
import type { Window } from './window.ts'

/**
 * A source outside of Millrace: `.to(topic)` says where its records go, from which pipelines begin.
 * Its position is committed with them, so one that can be read again is exactly-once; for one that
 * cannot, `dedupe` leaves out what comes twice.
 * @throws `invalid-argument` for a name that no source can have · `invalid-duration`
 * @example
 * const ticks = topic('ticks', { partitions: 1 })
 * const server = webSocketSource({ url: 'ws://127.0.0.1:8080' })
 * const whole = pipeline('show', from(server).to(ticks), from(ticks).print())
 */
export function from(source: SourceSpec, options?: SourceStartOptions): SourceStart
/**
 * A stream of a topic's records: decoded, checked by its schema, with its key and event time.
 * @throws `invalid-argument` where `topic` is no topic
 * @example
 * const words = topic('words', { codec: string() })
 * await run(from(words).filter((word) => word.length > 3).print())
 */
export function from<V, K>(topic: Topic<V, K>): Stream<V, K>
export function from<V, K>(
  given: Topic<V, K> | SourceSpec,
  options?: SourceStartOptions,
): Stream<V, K> | SourceStart {
  if (isSource(given)) return startOf(given, options)
  return new NodeStream<V, K>({
    kind: 'source',
    topic: specOf(given, 'from'),
    scope: 'partitioned',
    named: null,
  })
}

class NodeStream<V, K> implements Stream<V, K> {
  readonly kind = 'stream'
  readonly node: Node

  constructor(node: Node) {
    this.node = node
  }

  map<R>(fn: (value: V) => R): Stream<R, K> {
    return this.#next({ kind: 'map', input: this.node, fn: checked(fn, 'map'), named: null })
  }

  filter<R extends V>(fn: (value: V) => boolean): Stream<R, K> {
    return this.#next({ kind: 'filter', input: this.node, fn: checked(fn, 'filter'), named: null })
  }

  flatMap<R>(fn: (value: V) => Iterable<R>): Stream<R, K> {
    const call = checked<Iterable<R>>(fn, 'flatMap')
    return this.#next({ kind: 'flatMap', input: this.node, fn: call, named: null })
  }

  mapAsync<R>(
    fn: (value: V, info: MapAsyncInfo<K>) => Promise<R> | R,
    options: MapAsyncOptions = {},
  ): Stream<R, K> {
    return this.#next(mapAsyncNode(this.node, fn, options))
  }

  process<S>(options: unknown): S {
    return processed(processNode(this.node, options)) as S
  }

  split<const N extends number>(count: N): Split<Stream<V, K>, N> {
    const nodes = splitNodes(this.node, count)
    return nodes.map((node) => this.#next(node)) as unknown as Split<Stream<V, K>, N>
  }

  branch<C extends BranchCases<V>>(cases: C): Branches<V, K, C> {
    const names = Object.keys(cases)
    checkBranches(names)
    const list = names.map((name) => ({ name, fn: checked(cases[name], `branch '${name}'`) }))
    const node: BranchNode = { kind: 'branch', input: this.node, cases: list, named: null }
    const outputs = [...names, 'rest'].map((output) => {
      return [output, this.#next({ kind: 'branch-output', input: node, output, named: null })]
    })
    return Object.fromEntries(outputs) as Branches<V, K, C>
  }

  merge<const S extends readonly Stream<unknown, K>[], W>(...others: S): Stream<W, K> {
    for (const other of others) if (!isStream(other)) throw refuse('merge takes streams', other)
    const inputs = [this.node, ...others.map((other) => other.node)]
    return this.#next({ kind: 'merge', inputs, named: null })
  }

  keyBy<const K2 extends Key>(fn: (value: V) => K2): Stream<V, K2> {
    const node: Node = { kind: 'keyBy', input: this.node, fn: checked(fn, 'keyBy'), named: null }
    return new NodeStream<V, K2>(node)
  }

  join<W, K2>(other: JoinedWith, ...how: readonly unknown[]): Stream<W, K2> {
    return new NodeStream<W, K2>(joinNode(this.node, other, how))
  }

  window(window: WindowSpec, options: WindowOptions = {}): WindowedStream<V, K> {
    return new NodeWindowedStream<V, K>(this.node, groupingOf(window, options))
  }

  aggregate<R, W>(aggregates: Aggregates<V, R>, options?: RunningOptions): Table<W, K> {
    return tableOf(aggregateNode(this.node, aggregates, runningGrouping(options)))
  }

  reduce(fn: (soFar: V, value: V) => V, options?: RunningOptions): Table<{ key: K; value: V }, K> {
    return tableOf(reduceNode(this.node, fn, runningGrouping(options)))
  }

  toTable(): Table<NonNullable<V>, K> {
    return tableOf(toTableNode(this.node, '.toTable()'))
  }

  topN(n: number, options: TopNOptions<V>): Table<Top<K, V>, K> {
    return tableOf(topNNode(this.node, topSettings(n, options)))
  }

  dedupe(options: DedupeOptions<V>): Stream<V, K> {
    return this.#next(dedupeNode(this.node, options))
  }

  changes(of?: (value: V) => unknown): Stream<Changed<V>, K> {
    return this.#next(changesNode(this.node, of))
  }

  match<M>(pattern: unknown, options: MatchOptions<M> = {}): Matches<K, M> {
    return matchesOf<K, M>(matchNode(this.node, pattern, options))
  }

  named(name: string): Stream<V, K> {
    return this.#next({ ...this.node, named: checkedName(name) })
  }

  print(options: PrintOptions<V> = {}): Pipeline {
    const spec = printSpec(options)
    return sink({ kind: 'print', input: this.node, options: spec, named: null })
  }

  forEach(fn: (value: V, record: RecordInfo<K>) => void): Pipeline {
    const call = checked(fn, 'forEach') as unknown as ForEachNode['fn']
    return sink({ kind: 'forEach', input: this.node, fn: call, named: null })
  }

  to(target: Topic<V, unknown> | SinkOf<V, K>): Pipeline {
    return outputTo(target, { input: this.node, isTable: false })
  }

  #next<W>(node: Node): Stream<W, K> {
    return new NodeStream<W, K>(node)
  }
}

/** The table whose changes a node gives. */
export function tableOf<V, K>(node: Node): Table<V, K> {
  return new NodeTable<V, K>(node, { streamOf: (of) => new NodeStream(of) })
}

/** A stream, or, where the step has named outputs, all of them; `named` keeps them together. */
function processed(step: StepNode): unknown {
  const outputs = Object.entries(processOutputs(step))
  if (outputs.length === 1) return new NodeStream(step)
  return {
    ...Object.fromEntries(outputs.map(([name, node]) => [name, new NodeStream(node)])),
    named: (name: string) => processed({ ...step, named: checkedName(name) }),
  }
}

/** A stream of matches, with its second output; `named` keeps the two together. */
function matchesOf<K, M>(node: StepNode): Matches<K, M> {
  const output: Node = { kind: 'output', input: node, output: timedOutName, named: null }
  return Object.assign(new NodeStream<Match<K, M>, K>(node), {
    timedOut: new NodeStream<TimedOut<K, M>, K>(output),
    named: (name: string) => matchesOf<K, M>({ ...node, named: checkedName(name) }),
  })
}

class NodeWindowedStream<V, K> implements WindowedStream<V, K> {
  readonly kind = 'windowed-stream'
  readonly node: Node
  readonly #grouping: Grouping

  constructor(node: Node, grouping: Grouping) {
    this.node = node
    this.#grouping = grouping
  }

  aggregate<R, W>(aggregates: Aggregates<V, R>): Stream<W, K> {
    return new NodeStream(aggregateNode(this.node, aggregates, this.#grouping))
  }

  reduce(fn: (soFar: V, value: V) => V): Stream<{ key: K; window: Window; value: V }, K> {
    return new NodeStream(reduceNode(this.node, fn, this.#grouping))
  }
}

function printSpec<V>(options: PrintOptions<V>): PrintSpec {
  const { every, first = 10, label = null, format } = options
  const everyMs = every === undefined ? null : durationMs(every, 'every')
  if (everyMs !== null && everyMs < 1) throw refuse("every takes at least '1ms'", every)
  if (!Number.isSafeInteger(first) || first < 1) {
    throw refuse('first takes a whole number of at least 1', first)
  }
  const text = format === undefined ? null : checked<string>(format, 'format')
  return { everyMs, first, label, format: text }
}

function checkBranches(names: readonly string[]): void {
  const bad = names.find((name) => name === 'rest' || !/^[a-zA-Z0-9._-]{1,60}$/.test(name))
  if (names.length > 0 && bad === undefined) return
  const what = bad === undefined ? 'branch has no cases' : `a branch cannot be named '${bad}'`
  throw new MillraceError('invalid-argument', what, {
    hint: "name at least one, by 1 to 60 of a-z, A-Z, 0-9, '.', '_' and '-'; 'rest' is taken",
  })
}

function isStream(value: unknown): boolean {
  return value instanceof NodeStream
}
