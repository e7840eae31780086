/**
 * Drives the tasks of a pipeline under test: gives them what is pushed and what they write for each
 * other, moves their clock, keeps what they have committed.
 */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import { encodeKey } from '../core/key.ts'
import type { TimeExplanation } from '../engine/explain-time.ts'
import { BatchBuilder, RecordBatch } from '../log/batch.ts'
import type { AppendBatch, TopicPartition } from '../log/log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { planText } from '../pipeline/explain-plan.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import type { Pipeline, TopicSpec } from '../pipeline/node.ts'
import type { Topic } from '../pipeline/topic.ts'
import type { AdvanceOptions, PipelineTest, PushOptions, TestOptions } from './pipeline-test.ts'
import { TestedTask } from './tested-task.ts'
import { partitionsOf, testedPlan, type TestedPlan } from './tested-plan.ts'
import { Trace } from './trace.ts'
import { VirtualOutside } from './virtual-outside.ts'
import { WrittenTopics, type TestLetter, type TestRecord } from './written-topics.ts'

type TopicName = { readonly spec: TopicSpec } | string

export class TestDriver implements PipelineTest {
  readonly #tested: TestedPlan
  readonly #tasks: readonly TestedTask[]
  readonly #written = new WrittenTopics()
  readonly #outside: VirtualOutside
  readonly #builder = new BatchBuilder()
  readonly #trace: Trace | null
  /** Records fed to each place, and written: for the offsets in the trace. */
  readonly #fed = new Map<string, number>()
  #nowMs: number
  #printed = ''

  constructor(pipelines: readonly Pipeline[], options: TestOptions) {
    const { startMs = 0, tasks = 'one', trace = false } = options
    this.#tested = testedPlan(pipelines, tasks)
    this.#nowMs = startMs
    this.#outside = new VirtualOutside(startMs)
    this.#trace = trace ? new Trace() : null
    const lines = this.#trace
    this.#tasks = this.#tested.tasks.map((planned) => {
      const name = this.#isOneTask ? '' : planned.name
      return new TestedTask({
        planned,
        outside: this.#outside,
        nowMs: startMs,
        print: (text) => {
          this.#printed += text
        },
        trace: lines && { lines, name },
      })
    })
  }

  push(topic: TopicName, value: unknown, options: PushOptions = {}): void {
    const spec = this.#source(topic)
    const isDeletion = value === null && (spec.compact || this.#tested.tables.has(spec.name))
    if (isDeletion && options.key === undefined) {
      throw new MillraceError('invalid-argument', 'null deletes a row, but no key says which', {
        at: { topic: spec.name },
        hint: `test.push(${spec.name}, null, { key: … })`,
      })
    }
    const encoded = isDeletion ? null : spec.codec.encode(value)
    const key = options.key ?? (typeof spec.key === 'function' ? spec.key(value) : null)
    this.#feed(spec, encoded, key === null ? options : { ...options, key })
  }

  pushBytes(topic: TopicName, bytes: Uint8Array | string | null, options: PushOptions = {}): void {
    this.#feed(this.#source(topic), bytes, options)
  }

  advance(by: Duration, { every }: AdvanceOptions = {}): void {
    const endMs = this.#nowMs + durationMs(by, 'advance')
    const stepMs = every === undefined ? Number.POSITIVE_INFINITY : durationMs(every, 'every')
    if (!(stepMs > 0)) {
      const text = `'${String(every)}' is no length of a step`
      throw new MillraceError('invalid-duration', text, { hint: "give a length: '1s'" })
    }
    for (let toMs = this.#nowMs + stepMs; toMs < endMs; toMs += stepMs) this.#advanceTo(toMs)
    this.#advanceTo(endMs)
  }

  async settled(): Promise<void> {
    for (;;) {
      const taken = this.#recordsIn
      this.#step()
      if (this.#tasks.some((task) => task.callsUnderWay > 0)) await this.#outside.woken()
      else if (this.#recordsIn === taken) return
    }
  }

  idle(topic?: TopicName): void {
    for (const task of this.#tasks) task.idle(topic === undefined ? null : nameOf(topic))
    this.#step()
  }

  outputs<V, K>(topic: Topic<V, K>): V[]
  outputs(topic: string): unknown[]
  outputs(topic: TopicName): unknown[] {
    return this.#records(topic).map((record) => record.value)
  }

  records<V, K>(topic: Topic<V, K>): TestRecord<V>[]
  records(topic: string): TestRecord<unknown>[]
  records(topic: TopicName): TestRecord<unknown>[] {
    return this.#records(topic)
  }

  table<V, K>(topic: Topic<V, K>): Map<string, V>
  table(topic: string): Map<string, unknown>
  table(topic: TopicName): Map<string, unknown> {
    return this.#written.table(this.#output(topic))
  }

  deadLetters(topic?: TopicName): TestLetter[] {
    return this.#letters(topic, deadTopic)
  }

  late(topic?: TopicName): TestLetter[] {
    return this.#letters(topic, lateTopic)
  }

  printed(): string {
    return this.#printed
  }

  watermark(): number | null {
    const leastMs = Math.min(...this.#tasks.map((task) => task.watermarkMs))
    return Number.isFinite(leastMs) ? leastMs : null
  }

  explain(name?: string): TimeExplanation {
    const task = name === undefined ? this.#tasks[0] : this.#tasks.find((one) => one.name === name)
    if (task !== undefined) return task.explain()
    throw new MillraceError('invalid-argument', `there is no task '${name}'`, {
      hint: `the tasks are ${this.tasks().join(', ')}`,
    })
  }

  plan(): string {
    return planText(this.#tested.plan)
  }

  tasks(): string[] {
    return this.#tasks.map((task) => task.name)
  }

  trace(): string {
    if (this.#trace !== null) return this.#trace.take()
    throw new MillraceError('invalid-argument', 'nothing was traced', {
      hint: 'testPipeline(pipeline, { trace: true })',
    })
  }

  stop(): void {
    for (const task of this.#tasks) this.#take(task, task.stop())
    this.#step()
  }

  get #isOneTask(): boolean {
    return this.#tested.tasks.length === 1
  }

  get #recordsIn(): number {
    return this.#tasks.reduce((all, task) => all + task.recordsIn, 0)
  }

  #source(topic: TopicName): TopicSpec {
    const { sources } = this.#tested
    return sources.get(nameOf(topic)) ?? unknownTopic(topic, 'read', sources)
  }

  #feed(spec: TopicSpec, value: Uint8Array | string | null, options: PushOptions): void {
    const key = options.key === undefined ? null : encodeKey(options.key)
    const partition =
      options.partition ?? (key === null ? 0 : partitionOfText(key, partitionsOf(spec)))
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitionsOf(spec)) {
      const text = `topic '${spec.name}' has no partition ${partition}`
      throw new MillraceError('unknown-partition', text, {
        at: { topic: spec.name },
        hint: `it declares ${partitionsOf(spec)}`,
      })
    }
    const timeMs = Number(options.time ?? this.#nowMs)
    this.#builder.add(key, value, timeMs)
    const place = { topic: spec.name, partition }
    const offset = this.#give(place, this.#builder.finish())
    if (this.#trace !== null) {
      this.#trace.clock(this.#nowMs)
      const at = `${spec.name}/${partition}@${offset}`
      this.#trace.came(at, { key: textOf(key), timeMs, value: textOf(value) })
    }
    this.#step()
  }

  /** Puts a block before the tasks that read the place. @returns offset of its first record */
  #give(place: TopicPartition, block: Uint8Array): number {
    for (const task of this.#tasks) task.feed(place, block)
    const name = `${place.topic}/${place.partition}`
    const offset = this.#fed.get(name) ?? 0
    const { nextOffset } = new RecordBatch(place.topic, place.partition, offset, block)
    this.#fed.set(name, nextOffset)
    return offset
  }

  #advanceTo(endMs: number): void {
    // Timers are met at their own instants, in order, as a running clock would meet them.
    for (;;) {
      const dueMs = this.#clockDueMs()
      if (!(dueMs <= endMs)) break
      this.#reach(Math.max(dueMs, this.#nowMs))
      if (this.#clockDueMs() <= dueMs) break
    }
    this.#reach(endMs)
  }

  #clockDueMs(): number {
    return Math.min(this.#outside.dueMs, ...this.#tasks.map((task) => task.clockDueMs))
  }

  #reach(nowMs: number): void {
    this.#nowMs = nowMs
    this.#outside.reach(nowMs)
    this.#trace?.clock(nowMs)
    this.#step()
  }

  /** Every task takes what there is, until none writes anything for another. */
  #step(): void {
    for (let isMore = true; isMore;) {
      isMore = false
      for (const task of this.#tasks) {
        if (this.#take(task, task.step(this.#nowMs))) isMore = true
      }
    }
  }

  /** @returns whether another task has something to read */
  #take(task: TestedTask, appends: readonly AppendBatch[]): boolean {
    const { repartitions } = this.#tested
    const isForOthers = ({ topic }: AppendBatch): boolean => repartitions.has(topic)
    const between = appends.filter(isForOthers)
    for (const append of between) this.#give(append, append.bytes)
    const written = this.#written.take(appends.filter((append) => !isForOthers(append)))
    for (const batch of written) this.#tell(task, batch)
    return between.length > 0
  }

  #tell(task: TestedTask, batch: RecordBatch): void {
    const name = this.#isOneTask ? '' : task.name
    if (this.#tested.outputs.has(batch.topic)) this.#trace?.wrote(name, batch)
    else this.#trace?.wroteLetters(name, batch)
  }

  #records(topic: TopicName): TestRecord<unknown>[] {
    return this.#written.records(this.#output(topic))
  }

  #output(topic: TopicName): TopicSpec {
    const { outputs } = this.#tested
    const spec = typeof topic === 'string' ? outputs.get(topic) : topic.spec
    return spec ?? unknownTopic(topic, 'write', outputs)
  }

  #letters(topic: TopicName | undefined, letterTopic: (topic: string) => string): TestLetter[] {
    const names = topic === undefined ? this.#tested.sources.keys() : [nameOf(topic)]
    return [...names].flatMap((name) => this.#written.letters(letterTopic(name)))
  }
}

function unknownTopic(
  topic: TopicName,
  verb: 'read' | 'write',
  known: ReadonlyMap<string, TopicSpec>,
): never {
  const text = `the pipeline does not ${verb} topic '${nameOf(topic)}'`
  throw new MillraceError('unknown-topic', text, {
    hint: `it ${verb}s ${[...known.keys()].join(', ')}`,
  })
}

function textOf(bytes: string | Uint8Array | null): string | null {
  return bytes === null || typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()
}

function nameOf(topic: TopicName): string {
  return typeof topic === 'string' ? topic : topic.spec.name
}
