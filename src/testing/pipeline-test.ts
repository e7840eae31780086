/** What `testPipeline` takes and gives. */
import type { Duration } from '../core/duration.ts'
import type { Key } from '../core/key.ts'
import type { TimeExplanation } from '../engine/explain-time.ts'
import type { Topic } from '../pipeline/topic.ts'
import type { TestLetter, TestRecord } from './written-topics.ts'

export interface TestOptions {
  /** Where the virtual wall clock begins, ms since 1970. Default 0. */
  readonly startMs?: number
  /**
   * As in `run`. `one` (default): one task reads all partitions. `per-partition`: a task for each,
   * and records that get another key go through a repartition topic, as they do on Kafka. Where
   * every topic has one partition there is one task in any case.
   */
  readonly tasks?: 'one' | 'per-partition'
  /** Whether `trace` tells what happens. Default false. */
  readonly trace?: boolean
}

export interface AdvanceOptions {
  /** Goes in steps of this length; the trace then shows each. Default: from timer to timer. */
  readonly every?: Duration
}

export interface PushOptions {
  /** The record's key; default: the topic's key function, else none. */
  readonly key?: Key
  /**
   * Record time, ms or Date; default: the virtual clock. Event time where the topic has no `time`
   * function.
   */
  readonly time?: number | Date
  /** Default: of the key, as on every log; without key 0. */
  readonly partition?: number
}

export interface PipelineTest {
  /**
   * Appends a value to a source topic and processes it. null deletes the row of `options.key` where
   * the topic is read as a table, or is compacted. @throws `unknown-topic` when the pipeline does
   * not read it · `unknown-partition` · `invalid-argument` (null without a key)
   */
  push<V, K>(topic: Topic<V, K> | string, value: V, options?: PushOptions): void
  /** As `push`, with the record's raw bytes: for what does not decode. */
  pushBytes(
    topic: Topic<never, unknown> | string,
    bytes: Uint8Array | string | null,
    options?: PushOptions,
  ): void
  /**
   * Moves the virtual wall clock: timers, idleness, batches of time, and the timeouts and pauses of
   * calls happen as they would. @throws `invalid-duration`
   */
  advance(by: Duration, options?: AdvanceOptions): void
  /**
   * For pipelines with steps that call something outside: resolves when every call has been
   * answered, and what its result does has been done. A call that never answers needs its timeout,
   * one that pauses before a repeat is left so: `advance` moves both on. As in a run, outputs are
   * there when no result is pending any more.
   */
  settled(): Promise<void>
  /**
   * Makes an input idle now (default: all), as after `idleAfter` without a record: it no longer
   * holds the watermark back.
   */
  idle(topic?: Topic<never, unknown> | string): void
  /**
   * Values written to a topic so far, in order of partition and offset; a name gives plain decoded
   * values.
   */
  outputs<V, K>(topic: Topic<V, K>): V[]
  outputs(topic: string): unknown[]
  /** The same with key, time, partition and offset. */
  records<V, K>(topic: Topic<V, K>): TestRecord<V>[]
  records(topic: string): TestRecord<unknown>[]
  /**
   * A topic that was written to, as the table that its records make: the newest value of each key,
   * without those that a null has taken away. Keys as text, as the topic has them.
   */
  table<V, K>(topic: Topic<V, K>): Map<string, V>
  table(topic: string): Map<string, unknown>
  /** What did not decode, validate or process; of one source topic, or of all. */
  deadLetters(topic?: Topic<never, unknown> | string): TestLetter[]
  /** What came too late for a step. */
  late(topic?: Topic<never, unknown> | string): TestLetter[]
  /** What `print` steps showed. */
  printed(): string
  /** Event time that every task has reached, ms; null before the first record. */
  watermark(): number | null
  /**
   * How far event time has come, which partition holds it, and what would move it on.
   * @param task with a task for each partition: its name; default: the first
   * @throws `invalid-argument` (no such task)
   */
  explain(task?: string): TimeExplanation
  /** The plan as text, as `millrace plan` prints it: for a snapshot. */
  plan(): string
  /** Names of the tasks: `main/all`, or `main/0`, `main/1`, … and those behind a repartition. */
  tasks(): string[]
  /**
   * What happened since the last call, a line each, for people and for snapshots: records that
   * came, what each step gave, how event time moved and which partition holds it, inputs that fell
   * idle, windows that open and close, timers that are set and fire, records that are late and by
   * how much, dead ones and why, what was written (as a commit has it). What a record did before a
   * step threw at it is told of, and then undone.
   * @throws `invalid-argument` without the option `trace`
   */
  trace(): string
  /** Ends the run in an orderly way: open batches of `print` are shown. */
  stop(): void
}
