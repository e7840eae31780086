/**
 * What a pipeline is made of, as plain data: users build nodes through `Stream`, `plan.ts` checks
 * and orders them, the engine turns each into an operator. Nothing here does I/O or knows an
 * engine.
 */
import type { Key } from '../core/key.ts'
import type { AnyAggregator } from './aggregator.ts'
import type { SinkSpec } from './sink-spec.ts'
import type { FeedSpec } from './source-spec.ts'
import type { StepSpec } from './step-spec.ts'
import type { TopicSpec } from './topic-spec.ts'
import type { EmissionSpec, WindowSpec } from './window-spec.ts'

export type { TopicSpec } from './topic-spec.ts'
export type { TumblingWindow, WindowSpec } from './window-spec.ts'

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
  /** `global`: every task reads all partitions, before other inputs; it does not hold time back. */
  readonly scope: 'partitioned' | 'global'
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
 * one for each late record within `latenessMs`); without, a table's changes, one for each record,
 * of rows `{ key, ...aggregates }`.
 */
export interface AggregateNode extends NodeBase {
  readonly kind: 'aggregate'
  readonly input: Node
  readonly window: WindowSpec | null
  readonly latenessMs: number
  readonly emission: EmissionSpec
  /** Without a window: a key without a record for so long loses its result; null: never. */
  readonly ttlMs: number | null
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
  readonly emission: EmissionSpec
  /** Without a window: a key without a record for so long loses its result; null: never. */
  readonly ttlMs: number | null
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
 * event time. With a sink, the topic is its outbox; the plan gives it its name.
 */
export interface ToNode extends NodeBase {
  readonly kind: 'to'
  readonly input: Node
  readonly topic: TopicSpec
  /** What is fed from the topic; null: the topic itself is the output. */
  readonly sink: SinkSpec | null
  /** The records are changes of a table: the new row is written, or a tombstone, on any topic. */
  readonly isTable: boolean
}

/** Settings in the order in which they read best: name → text. */
export type Settings = Readonly<Record<string, string>>

/**
 * What a reader of a table looks at: new rows alone; also which rows go away; also what they were
 * before. Or what its own readers look at of its table; `filtered`: the same, but that a row goes
 * away it knows by what was before.
 */
export type TableLooks = 'rows' | 'deletions' | 'before' | 'as readers' | 'as readers, filtered'

/** What the plan, its checks and people need to know of a step of kind `step`. */
export interface StepTraits {
  /** As it stands in the step's derived name: `join-5m`. */
  readonly label: string
  /** The method or value that the user wrote, for errors: `.join()`. */
  readonly method: string
  /** Works by key: needs one, and all records of a key in one task. */
  readonly groups: boolean
  /** Gives records another key: behind it they may have to change partitions. */
  readonly rekeys: boolean
  /** What is kept between records, and how it grows; null: nothing. */
  readonly state: string | null
  /** Whether what is kept only ever grows: no window, no time to live. */
  readonly grows: boolean
  /** Whether a record can be too late for it. */
  readonly late: boolean
  /**
   * Results may be so much older (in event time) than what has been read: event time behind the
   * step lags by it, so that they are in time for the steps that follow.
   */
  readonly delayMs: number
  /** Its results come later, from outside the task. */
  readonly asynchronous: boolean
  /** What it looks at of a table's changes, where it reads one. */
  readonly looksAt: TableLooks
  readonly settings: Settings
}

/** A step whose operator is told apart by `spec.kind`. */
export interface StepNode extends NodeBase {
  readonly kind: 'step'
  /** One or two. */
  readonly inputs: readonly Node[]
  readonly spec: StepSpec
  readonly traits: StepTraits
}
/** An output of a step beside its main one. */
export interface OutputNode extends NodeBase {
  readonly kind: 'output'
  readonly input: StepNode
  readonly output: string
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
  | StepNode
  | OutputNode
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
  /** Sources, and the topics that they feed. */
  readonly feeds: readonly FeedSpec[]
}

/** The nodes a node reads from. */
export function inputsOf(node: Node): readonly Node[] {
  if (node.kind === 'source') return []
  return node.kind === 'merge' || node.kind === 'step' ? node.inputs : [node.input]
}
