/**
 * What a pipeline is made of, as plain data: users build nodes through `Stream`, `plan.ts` checks
 * and orders them, the engine turns each into an operator. Nothing here does I/O or knows an
 * engine.
 */
import type { Codec } from '../core/codec.ts'
import type { Key } from '../core/key.ts'
import type { StandardSchema } from '../core/schema.ts'
import type { AnyAggregator } from './aggregator.ts'

/**
 * A topic as a pipeline declares it. All durations are resolved to ms. Values of any type: the
 * typed face is `Topic`.
 */
export interface TopicSpec {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly schema: StandardSchema<unknown, unknown> | null
  /**
   * `'record'`: the record's own key, as text. A function: computed from the decoded value. null:
   * records have no key here.
   */
  readonly key: ((value: unknown) => Key | null) | 'record' | null
  /**
   * Event time from the decoded value (Date or ms); null: the record's time (append time unless the
   * producer set it).
   */
  readonly time: ((value: unknown) => Date | number) | null
  readonly outOfOrderMs: number
  /** An input without records for this long (wall clock) no longer holds the watermark back. */
  readonly idleAfterMs: number
  /**
   * When every input is idle: `advance` moves the watermark on at the wall clock's pace, `wait`
   * leaves it.
   */
  readonly idle: 'advance' | 'wait'
  /** For creating it when it does not exist. */
  readonly partitions: number | null
  readonly retentionMs: number | null
  readonly retentionBytes: number | null
  readonly compact: boolean
}

export interface TumblingWindow {
  readonly kind: 'tumbling'
  readonly sizeMs: number
}

/** Later kinds join this union. */
export type WindowSpec = TumblingWindow

export interface PrintOptions {
  /**
   * Prints in batches of this wall-clock length, with the time of each batch above its records;
   * null: each at once.
   */
  readonly everyMs: number | null
  /** Records shown of each batch. */
  readonly first: number
  readonly label: string | null
  readonly format: ((value: unknown) => string) | null
}

type Fn<R> = (value: unknown) => R

/** `named` is the name the user gave with `.named()`, else null. Nodes are compared by identity. */
interface NodeBase {
  readonly named: string | null
}
export interface SourceNode extends NodeBase {
  readonly kind: 'source'
  readonly topic: TopicSpec
}
export interface MapNode extends NodeBase {
  readonly kind: 'map'
  readonly input: Node
  readonly fn: Fn<unknown>
}
export interface FilterNode extends NodeBase {
  readonly kind: 'filter'
  readonly input: Node
  readonly fn: Fn<unknown>
}
export interface FlatMapNode extends NodeBase {
  readonly kind: 'flatMap'
  readonly input: Node
  readonly fn: Fn<Iterable<unknown>>
}
/** Each record goes to the first case whose predicate holds, else to `rest`. */
export interface BranchNode extends NodeBase {
  readonly kind: 'branch'
  readonly input: Node
  readonly cases: readonly { readonly name: string; readonly fn: Fn<unknown> }[]
}
/** One output of a branch: a case's name, or `rest`. */
export interface BranchOutputNode extends NodeBase {
  readonly kind: 'branch-output'
  readonly input: BranchNode
  readonly output: string
}
export interface MergeNode extends NodeBase {
  readonly kind: 'merge'
  readonly inputs: readonly Node[]
}
export interface KeyByNode extends NodeBase {
  readonly kind: 'keyBy'
  readonly input: Node
  readonly fn: Fn<Key>
}
/**
 * Groups by key and, where `window` is set, by window. With a window one result at its close (and
 * one for each late record within `latenessMs`); without, one result for each record: `{ key,
 * ...aggregates }`.
 */
export interface AggregateNode extends NodeBase {
  readonly kind: 'aggregate'
  readonly input: Node
  readonly window: WindowSpec | null
  readonly latenessMs: number
  /** In the order of the result's fields. */
  readonly fields: readonly { readonly name: string; readonly aggregator: AnyAggregator }[]
}
/**
 * As `aggregate`, with one value: the first record as it is, then `fn(soFar, value)`. Result `{
 * key, window?, value }`.
 */
export interface ReduceNode extends NodeBase {
  readonly kind: 'reduce'
  readonly input: Node
  readonly window: WindowSpec | null
  readonly latenessMs: number
  readonly fn: (soFar: unknown, value: unknown) => unknown
}
export interface PrintNode extends NodeBase {
  readonly kind: 'print'
  readonly input: Node
  readonly options: PrintOptions
}
export interface ForEachNode extends NodeBase {
  readonly kind: 'forEach'
  readonly input: Node
  readonly fn: (value: unknown, record: RecordPlace) => void
}
/**
 * Appends to a topic: key from the topic's `key` function, else the stream's key; record time =
 * event time.
 */
export interface ToNode extends NodeBase {
  readonly kind: 'to'
  readonly input: Node
  readonly topic: TopicSpec
}

/** What a function can be told about the record in hand, besides its value. */
export interface RecordPlace {
  readonly key: Key | null
  /** Event time, ms. */
  readonly time: number
}

export type SinkNode = PrintNode | ForEachNode | ToNode
export type Node =
  | SourceNode
  | MapNode
  | FilterNode
  | FlatMapNode
  | BranchNode
  | BranchOutputNode
  | MergeNode
  | KeyByNode
  | AggregateNode
  | ReduceNode
  | SinkNode

/**
 * What `.to()`, `.print()` and `.forEach()` give, and `pipeline(name, …)` joins: the unit that
 * `run` and `plan` take.
 */
export interface Pipeline {
  readonly kind: 'pipeline'
  /** Given by `pipeline(name, …)`; null: `run` or the file's name decides. */
  readonly name: string | null
  readonly sinks: readonly SinkNode[]
}

/** The nodes a node reads from. */
export function inputsOf(node: Node): readonly Node[] {
  if (node.kind === 'source') return []
  return node.kind === 'merge' ? node.inputs : [node.input]
}
