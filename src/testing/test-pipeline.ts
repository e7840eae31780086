/**
 * The test driver: a pipeline's real operators, state and time, without log, file, port or clock.
 */
import { MillraceError } from '../core/error.ts'
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { encodeKey } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import type { TaskInput } from '../engine/task-inputs.ts'
import type { TimeExplanation } from '../engine/explain-time.ts'
import { Task } from '../engine/task.ts'
import { BatchBuilder } from '../log/batch.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import type { Pipeline, TopicSpec } from '../pipeline/node.ts'
import { pipelinesOf } from '../pipeline/pipelines-of.ts'
import type { Topic } from '../pipeline/topic.ts'
import { FeedSession } from './feed-session.ts'
import { VirtualOutside } from './virtual-outside.ts'
import { WrittenTopics } from './written-topics.ts'
import type { TestLetter, TestRecord } from './written-topics.ts'

/** Records between two looks at what is left; any number gives the same results. */
const sliceRecords = 1000

export interface TestOptions {
  /** Where the virtual wall clock begins, ms since 1970. Default 0. */
  readonly startMs?: number
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

export type { TestLetter, TestRecord } from './written-topics.ts'

export interface PipelineTest {
  /**
   * Appends a value to a source topic and processes it. @throws `unknown-topic` when the pipeline
   * does not read it
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
   * calls happen as they would.
   */
  advance(by: Duration): void
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
  /** What did not decode, validate or process; of one source topic, or of all. */
  deadLetters(topic?: Topic<never, unknown> | string): TestLetter[]
  /** What came too late for a step. */
  late(topic?: Topic<never, unknown> | string): TestLetter[]
  /** What `print` steps showed. */
  printed(): string
  /** Event time reached, ms; null before the first record. */
  watermark(): number | null
  /** How far event time has come, which partition holds it, and what would move it on. */
  explain(): TimeExplanation
  /** Ends the run in an orderly way: open batches of `print` are shown. */
  stop(): void
}

/**
 * Drives a pipeline in a unit test: what you push is processed at once, time stands still until you
 * advance it. The real operators run; commits are packed after each step; topics have the
 * partitions they declare, default 1. Works in any test runner. Costs well under 5 ms.
 * @param pipeline one pipeline, or several that run as one
 * @throws `invalid-plan`
 * @example
 * const words = topic('words', { codec: string(), key: (word) => word })
 * const counts = from(words).window(tumbling('10s')).aggregate({ n: count() })
 * const test = testPipeline(counts.to(topic('counts')))
 * test.push(words, 'a', { time: 1_000 })
 * test.push(words, 'b', { time: 12_000 })
 * test.outputs('counts') // => [{ key: 'a', window: { start: 0, end: 10000 }, n: 1 }]
 */
export function testPipeline(
  pipeline: Pipeline | readonly Pipeline[],
  options: TestOptions = {},
): PipelineTest {
  return new Driver(pipelinesOf(pipeline), options.startMs ?? 0)
}

class Driver implements PipelineTest {
  readonly #specs: Map<string, TopicSpec> = new Map()
  readonly #sources: Map<string, TopicSpec> = new Map()
  readonly #session: FeedSession
  readonly #task: Task
  readonly #written = new WrittenTopics()
  readonly #outside: VirtualOutside
  readonly #builder = new BatchBuilder()
  #nowMs: number
  #printed = ''

  constructor(pipelines: readonly Pipeline[], startMs: number) {
    const plan = buildPlan(pipelines, { name: 'test', repartition: false })
    const part = plan.parts[0]
    if (part === undefined) throw new MillraceError('invalid-plan', 'the plan is empty')
    this.#nowMs = startMs
    this.#outside = new VirtualOutside(startMs)
    const inputs: TaskInput[] = []
    for (const { name, node } of part.steps) {
      if (node.kind === 'to') this.#specs.set(node.topic.name, node.topic)
      if (node.kind !== 'source') continue
      const spec = node.topic
      this.#sources.set(spec.name, spec)
      for (let partition = 0; partition < partitionsOf(spec); partition++) {
        inputs.push({
          kind: 'topic',
          step: name,
          place: { topic: spec.name, partition },
          spec,
          clock: spec,
          partitionedBy: null,
          scope: node.scope,
        })
      }
    }
    const outputs = new Map<string, number>()
    for (const spec of this.#specs.values()) outputs.set(spec.name, partitionsOf(spec))
    for (const spec of this.#sources.values()) {
      outputs.set(deadTopic(spec.name), partitionsOf(spec))
      outputs.set(lateTopic(spec.name), partitionsOf(spec))
    }
    this.#session = new FeedSession(inputs.map((input) => input.place))
    this.#task = new Task({
      name: 'main/all',
      index: 0,
      part,
      session: this.#session,
      inputs,
      outputTopics: [...outputs].map(([name, partitionCount]) => {
        return {
          name,
          partitionCount,
          recordBytesMax: 1 << 24,
          compact: this.#specs.get(name)?.compact ?? false,
        }
      }),
      homeTopic: [...this.#sources.keys()][0] ?? '',
      nowMs: startMs,
      outside: this.#outside,
      print: (text) => {
        this.#printed += text
      },
    })
    this.#task.begin()
  }

  push<V, K>(topic: Topic<V, K> | string, value: V, options: PushOptions = {}): void {
    const spec = this.#source(topic)
    const encoded = value === null && spec.compact ? null : spec.codec.encode(value)
    const key = options.key ?? (typeof spec.key === 'function' ? spec.key(value) : null)
    this.#feed(spec, encoded, key === null ? options : { ...options, key })
  }

  pushBytes(
    topic: Topic<never, unknown> | string,
    bytes: Uint8Array | string | null,
    options: PushOptions = {},
  ): void {
    this.#feed(this.#source(topic), bytes, options)
  }

  advance(by: Duration): void {
    const endMs = this.#nowMs + durationMs(by, 'advance')
    // Timers are met at their own instants, in order, as a running clock would meet them.
    for (;;) {
      const dueMs = this.#clockDueMs()
      if (!(dueMs <= endMs)) break
      this.#reach(Math.max(dueMs, this.#nowMs))
      if (this.#clockDueMs() <= dueMs) break
    }
    this.#reach(endMs)
  }

  async settled(): Promise<void> {
    for (;;) {
      const taken = this.#task.counters.recordsIn
      this.#step()
      if (this.#task.callsUnderWay > 0) await this.#outside.woken()
      else if (this.#task.counters.recordsIn === taken) return
    }
  }

  idle(topic?: Topic<never, unknown> | string): void {
    const name = topic === undefined ? null : nameOf(topic)
    for (const cursor of this.#task.cursors) {
      if (name === null || cursor.place.topic === name) cursor.clock.idle = true
    }
    this.#step()
  }

  outputs<V, K>(topic: Topic<V, K>): V[]
  outputs(topic: string): unknown[]
  outputs(topic: Topic<unknown, unknown> | string): unknown[] {
    return this.#records(topic).map((record) => record.value)
  }

  records<V, K>(topic: Topic<V, K>): TestRecord<V>[]
  records(topic: string): TestRecord<unknown>[]
  records(topic: Topic<unknown, unknown> | string): TestRecord<unknown>[] {
    return this.#records(topic)
  }

  deadLetters(topic?: Topic<never, unknown> | string): TestLetter[] {
    return this.#letters(topic, deadTopic)
  }

  late(topic?: Topic<never, unknown> | string): TestLetter[] {
    return this.#letters(topic, lateTopic)
  }

  printed(): string {
    return this.#printed
  }

  watermark(): number | null {
    return Number.isFinite(this.#task.watermarkMs) ? this.#task.watermarkMs : null
  }

  explain(): TimeExplanation {
    return this.#task.explainTime()
  }

  stop(): void {
    this.#task.stop()
    this.#commit()
  }

  #source(topic: { readonly spec: TopicSpec } | string): TopicSpec {
    const spec = this.#sources.get(nameOf(topic))
    if (spec === undefined) {
      throw new MillraceError(
        'unknown-topic',
        `the pipeline does not read topic '${nameOf(topic)}'`,
        {
          hint: `it reads ${[...this.#sources.keys()].join(', ')}`,
        },
      )
    }
    return spec
  }

  #feed(spec: TopicSpec, value: Uint8Array | string | null, options: PushOptions): void {
    const key = options.key === undefined ? null : encodeKey(options.key)
    const partition =
      options.partition ?? (key === null ? 0 : partitionOfText(key, partitionsOf(spec)))
    const input = this.#session.indexOf({ topic: spec.name, partition })
    if (input < 0)
      throw new MillraceError(
        'unknown-partition',
        `topic '${spec.name}' has no partition ${partition}`,
      )
    this.#builder.add(key, value, Number(options.time ?? this.#nowMs))
    this.#session.feed(input, this.#builder.finish())
    this.#step()
  }

  #clockDueMs(): number {
    return Math.min(this.#task.clockDueMs(), this.#outside.dueMs)
  }

  #reach(nowMs: number): void {
    this.#nowMs = nowMs
    this.#outside.reach(nowMs)
    this.#step()
  }

  #step(): void {
    this.#task.tick(this.#nowMs)
    while (this.#task.process(sliceRecords) === 'more');
    this.#task.tick(this.#nowMs)
    this.#commit()
  }

  #commit(): void {
    if (this.#task.pendingResults > 0) return // as in a run: a commit waits for them
    this.#written.take(this.#task.takeCommit()?.appends ?? [])
  }

  #records(topic: { readonly spec: TopicSpec } | string): TestRecord<unknown>[] {
    const spec = typeof topic === 'string' ? this.#specs.get(topic) : topic.spec
    if (spec === undefined) {
      throw new MillraceError(
        'unknown-topic',
        `the pipeline does not write topic '${nameOf(topic)}'`,
        {
          hint: `it writes ${[...this.#specs.keys()].join(', ')}`,
        },
      )
    }
    return this.#written.records(spec)
  }

  #letters(
    topic: { readonly spec: TopicSpec } | string | undefined,
    letterTopic: (topic: string) => string,
  ): TestLetter[] {
    const letters: TestLetter[] = []
    for (const name of topic === undefined ? this.#sources.keys() : [nameOf(topic)]) {
      letters.push(...this.#written.letters(letterTopic(name)))
    }
    return letters
  }
}

function partitionsOf(spec: TopicSpec): number {
  return spec.partitions ?? 1
}

function nameOf(topic: { readonly spec: TopicSpec } | string): string {
  return typeof topic === 'string' ? topic : topic.spec.name
}
