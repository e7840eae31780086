/**
 * The tables that grow from streams and topics. Functions lose their types here: nodes are data.
 */
import type { Key } from '../core/key.ts'
import { MillraceError } from '../core/error.ts'
import { checkedName } from './checked.ts'
import { outputTo } from './sink.ts'
import type { SinkOf } from './sink-spec.ts'
import { foreignKeyNode } from './foreign-key-node.ts'
import type { JoinedTable } from './join-types.ts'
import type { Node, Pipeline, StepNode } from './node.ts'
import { topSettings } from './per-key-node.ts'
import type {
  Aggregates,
  GroupedTable,
  NoStep,
  PrintOptions,
  RecordInfo,
  Stream,
  Table,
} from './stream.ts'
import {
  checkedTable,
  groupByFn,
  tableChangesNode,
  tableFilterNode,
  tableFoldNode,
  tableJoinNode,
  tableMapNode,
  tableRowsNode,
  tableTopNNode,
} from './table-node.ts'
import type { Change, Top, TopNOptions } from './table-types.ts'
import type { Topic } from './topic.ts'

export interface TableMaker {
  /** Streams are made elsewhere: their file knows this one. */
  streamOf<V, K>(node: Node): Stream<V, K>
  /** The table's node under a name; default: the node itself, named. */
  readonly named?: (name: string) => StepNode
}

export class NodeTable<V, K> implements Table<V, K> {
  readonly kind = 'table'
  readonly node: Node
  readonly window: NoStep = noStep
  readonly keyBy: NoStep = noStep
  readonly merge: NoStep = noStep
  readonly flatMap: NoStep = noStep
  readonly #maker: TableMaker

  constructor(node: Node, maker: TableMaker) {
    this.node = node
    this.#maker = maker
  }

  map<R>(fn: (row: V) => R): Table<NonNullable<R>, K> {
    return this.#next(tableMapNode(this.node, fn))
  }

  filter<R extends V>(fn: (row: V) => boolean): Table<R, K> {
    return this.#next(tableFilterNode(this.node, fn))
  }

  join<R, K2>(other: JoinedTable<unknown, unknown>, options: object = {}): Table<R, K2> {
    const right = checkedTable(other)
    const given: { readonly on?: unknown } = options
    if (given.on === undefined) return this.#next(tableJoinNode(this.node, right, options))
    const join = { left: this.node, right: right.node, on: given.on, ...options }
    return new NodeTable(foreignKeyNode(join), {
      ...this.#maker,
      named: (name) => foreignKeyNode(join, name),
    })
  }

  groupBy<const K2 extends Key>(fn: (row: V) => K2): GroupedTable<V, K2> {
    return new NodeGroupedTable<V, K2>(this.node, groupByFn(fn), this.#maker)
  }

  toStream(): Stream<V, K> {
    return this.#maker.streamOf(tableRowsNode(this.node))
  }

  changes(): Stream<Change<V>, K> {
    return this.#maker.streamOf(tableChangesNode(this.node))
  }

  named(name: string): Table<V, K> {
    const checked = checkedName(name)
    const { named } = this.#maker
    const node = named === undefined ? { ...this.node, named: checked } : named(checked)
    return new NodeTable(node, this.#maker)
  }

  print(options?: PrintOptions<V>): Pipeline {
    return this.toStream().print(options)
  }

  forEach(fn: (row: V, record: RecordInfo<K>) => void): Pipeline {
    return this.toStream().forEach(fn)
  }

  to(target: Topic<V, unknown> | SinkOf<V | null, K>): Pipeline {
    return outputTo(target, { input: this.node, isTable: true })
  }

  #next<W, K2>(node: Node): Table<W, K2> {
    return new NodeTable<W, K2>(node, { streamOf: this.#maker.streamOf })
  }
}

class NodeGroupedTable<V, K> implements GroupedTable<V, K> {
  readonly kind = 'grouped-table'
  readonly node: Node
  readonly #by: (row: unknown) => Key
  readonly #maker: TableMaker

  constructor(node: Node, by: (row: unknown) => Key, { streamOf }: TableMaker) {
    this.node = node
    this.#by = by
    this.#maker = { streamOf }
  }

  aggregate<R, W>(aggregates: Aggregates<V, R>): Table<W, K> {
    return new NodeTable<W, K>(tableFoldNode(this.node, this.#by, aggregates), this.#maker)
  }

  topN(n: number, options: TopNOptions<V>): Table<Top<K, V>, K> {
    const top = topSettings(n, options)
    return new NodeTable<Top<K, V>, K>(tableTopNNode(this.node, this.#by, top), this.#maker)
  }
}

/** For JavaScript; the compiler says it, too. */
function noStep(): never {
  throw new MillraceError('invalid-argument', 'a table has no such step', {
    hint: '.toStream() or .changes() give a stream, .groupBy(fn) groups rows',
  })
}
