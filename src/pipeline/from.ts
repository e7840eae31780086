/**
 * `from`: where a pipeline begins, and the streams that grow from it. Functions lose their types
 * here: nodes are data.
 */
import { durationMs } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { Key } from '../core/key.ts'
import { checked, refuse, specOf } from './checked.ts'
import { aggregateNode, groupingOf, noWindow, reduceNode } from './fold-node.ts'
import type { Grouping } from './fold-node.ts'
import type {
  BranchNode,
  ForEachNode,
  Node,
  Pipeline,
  PrintOptions as PrintSpec,
  SinkNode,
  WindowSpec,
} from './node.ts'
import type {
  Aggregates,
  BranchCases,
  Branches,
  PrintOptions,
  RecordInfo,
  Stream,
  WindowOptions,
  WindowedStream,
} from './stream.ts'
import type { Topic } from './topic.ts'
import type { Window } from './window.ts'

/**
 * A stream of a topic's records: decoded, checked by its schema, with its key and event time.
 * @throws `invalid-argument` where `topic` is no topic
 * @example
 * const words = topic('words', { codec: string() })
 * await run(from(words).filter((word) => word.length > 3).print())
 */
export function from<V, K>(topic: Topic<V, K>): Stream<V, K> {
  return new NodeStream<V, K>({
    kind: 'source',
    topic: specOf(topic, 'from'),
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

  window(window: WindowSpec, options: WindowOptions = {}): WindowedStream<V, K> {
    return new NodeWindowedStream<V, K>(this.node, groupingOf(window, options))
  }

  aggregate<R, W>(aggregates: Aggregates<V, R>): Stream<W, K> {
    return this.#next(aggregateNode(this.node, aggregates, noWindow))
  }

  reduce(fn: (soFar: V, value: V) => V): Stream<{ key: K; value: V }, K> {
    return this.#next(reduceNode(this.node, fn, noWindow))
  }

  named(name: string): Stream<V, K> {
    if (typeof name !== 'string' || !/^[a-z0-9._-]{1,60}$/.test(name) || name === 'main') {
      throw new MillraceError('invalid-argument', `a step cannot be named '${name}'`, {
        hint: "use 1 to 60 of a-z, 0-9, '.', '_' and '-', but not 'main'",
      })
    }
    return this.#next({ ...this.node, named: name })
  }

  print(options: PrintOptions<V> = {}): Pipeline {
    return sink({ kind: 'print', input: this.node, options: printSpec(options), named: null })
  }

  forEach(fn: (value: V, record: RecordInfo<K>) => void): Pipeline {
    const call = checked(fn, 'forEach') as unknown as ForEachNode['fn']
    return sink({ kind: 'forEach', input: this.node, fn: call, named: null })
  }

  to(topic: Topic<V, unknown>): Pipeline {
    const spec = specOf(topic, 'to')
    return sink({ kind: 'to', input: this.node, topic: spec, isTable: false, named: null })
  }

  #next<W>(node: Node): Stream<W, K> {
    return new NodeStream<W, K>(node)
  }
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

function sink(node: SinkNode): Pipeline {
  return { kind: 'pipeline', name: null, sinks: [node] }
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
