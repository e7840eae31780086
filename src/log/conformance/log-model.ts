/** The naive model: arrays of values, and random steps taken both on a log and on them. */
import assert from 'node:assert/strict'
import { MillraceError } from '../../core/error.ts'
import type { Random } from '../../core/random.ts'
import type { AppendBatch, Appended, Log, Session, TopicPartition } from '../log.ts'
import type { CaseHarness } from './log-case.ts'
import { batchOf, blob, taskOf } from './log-probe.ts'
import { Written } from './written.ts'

interface ModelTask {
  readonly task: string
  offsets: number[]
  blobs: string[]
  owner: Session | null
  /** Sessions that lost the task; their commits must fail. */
  fenced: Session[]
}

interface ModelAppend {
  readonly topic: string
  readonly partition: number
  readonly values: readonly string[]
}

interface ModelPartition {
  readonly topic: string
  readonly partition: number
  /** In their order, those that were trimmed too. */
  readonly values: string[]
  /** Trimmed up to here. */
  start: number
  /** First offset that is left. */
  startOffset: number
}

export class LogModel {
  commitCount = 0
  fencedCount = 0
  refusedCount = 0
  repeatCount = 0
  trimCount = 0
  readonly #random: (below: number) => number
  readonly #written: Written
  readonly #partitions: readonly ModelPartition[]
  readonly #tasks: readonly ModelTask[]
  readonly #story: string[] = []
  #valueCount = 0
  /** Of the one stamped producer; it appends to t/0 and u/1. */
  #sequence = 0
  #stamped: { appends: readonly ModelAppend[]; appended: readonly Appended[] } | null = null

  constructor(random: Random, harness: CaseHarness) {
    this.#random = (below) => random.int(below)
    this.#written = new Written(harness)
    this.#partitions = ['t', 'u'].flatMap((topic) =>
      [0, 1].map((partition) => ({ topic, partition, values: [], start: 0, startOffset: 0 })),
    )
    this.#tasks = ['main/0', 'main/1'].map((task) => ({
      task,
      offsets: [0, 0],
      blobs: [],
      owner: null,
      fenced: [],
    }))
  }

  partitions(): readonly ModelPartition[] {
    return this.#partitions
  }

  tasks(): readonly ModelTask[] {
    return this.#tasks
  }

  lastSteps(): readonly string[] {
    return this.#story.slice(-12)
  }

  /** After a reopening or a look from outside no session is the owner any more. */
  forgetSessions(): void {
    for (const task of this.#tasks) {
      task.owner = null
      task.fenced = []
    }
  }

  /** One random step on the log and the model. */
  async step(log: Log): Promise<void> {
    const task = this.#tasks[this.#random(2)] as ModelTask
    const roll = this.#random(100)
    if (roll < 12) await this.#append(log)
    else if (roll < 16) await this.#trim(log)
    else if (roll < 25) await this.#appendStamped(log)
    else if (roll < 30) await this.#repeatStamped(log)
    else if (roll < 35) await this.#appendBad(log)
    else if (roll < 45 || task.owner === null) await this.#open(log, task)
    else if (roll < 85) await this.#commit(task, task.owner)
    else if (roll < 91) await this.#commitBad(task, task.owner)
    else if (roll < 96) await this.#commitFenced(task)
    else await this.#close(task, task.owner)
  }

  #tell(text: string): void {
    this.#story.push(text)
  }

  #randomAppends(countMax: number): ModelAppend[] {
    return Array.from({ length: this.#random(countMax + 1) }, () => {
      const { topic, partition } = this.#partitions[this.#random(4)] as ModelPartition
      return this.#values(topic, partition)
    })
  }

  #values(topic: string, partition: number): ModelAppend {
    const count = 1 + this.#random(4)
    const values = Array.from({ length: count }, () => `v${this.#valueCount++}`)
    return { topic, partition, values }
  }

  /** Applies appends to the model, at the offsets that they got. */
  #apply(appends: readonly ModelAppend[], appended: readonly Appended[]): void {
    const wanted = appends.map(
      ({ topic, partition, values }) => [topic, partition, values.length] as const,
    )
    this.#written.take(appended, wanted)
    for (const { topic, partition, values } of appends) {
      const found = this.#partitions.find((p) => p.topic === topic && p.partition === partition)
      found?.values.push(...values)
    }
  }

  /** Offsets of the records that are left of a partition. */
  offsetsOf({ topic, partition, start }: ModelPartition): number[] {
    return this.#written.of(topic, partition).slice(start)
  }

  /** Of record `index`; behind the last one the end. */
  #offset({ topic, partition }: TopicPartition, index: number): number {
    return this.#written.of(topic, partition)[index] ?? this.#written.end(topic, partition)
  }

  async #append(log: Log): Promise<void> {
    const appends = [this.#values('t', this.#random(2)), ...this.#randomAppends(2)]
    this.#tell(`append ${text(appends)}`)
    this.#apply(appends, await log.append(encode(appends)))
  }

  async #appendStamped(log: Log): Promise<void> {
    const appends = [this.#values('t', 0), this.#values('u', 1)]
    const stamp = { producer: 'model', sequence: this.#sequence }
    this.#tell(`append ${text(appends)} stamped ${stamp.sequence}`)
    const appended = await log.append(encode(appends), stamp)
    this.#apply(appends, appended)
    this.#stamped = { appends, appended }
    this.#sequence += 1
  }

  async #repeatStamped(log: Log): Promise<void> {
    if (this.#stamped === null) return
    const stamp = { producer: 'model', sequence: this.#sequence - 1 }
    this.#tell(`repeat ${stamp.sequence}`)
    const appended = await log.append(encode(this.#stamped.appends), stamp)
    assert.deepEqual(appended, this.#stamped.appended)
    this.repeatCount += 1
  }

  async #appendBad(log: Log): Promise<void> {
    const appends = [...this.#randomAppends(2), ...this.#bad()]
    this.#tell(`append ${text(appends)}, must fail`)
    const isSkipping = this.#random(2) === 0
    const stamp = { producer: 'model', sequence: this.#sequence + (isSkipping ? 1 : 0) }
    const isStamped = isSkipping || this.#random(2) === 0
    await mustFail(() => log.append(encode(appends), isStamped ? stamp : undefined))
    this.refusedCount += 1
  }

  #bad(): ModelAppend[] {
    const large = { topic: 't', partition: 0, values: ['x'.repeat(51)] }
    const unknown = { topic: 't', partition: 2, values: ['x'] }
    return [this.#random(2) === 0 ? large : unknown]
  }

  async #open(log: Log, task: ModelTask): Promise<void> {
    this.#tell(`open ${task.task}`)
    const session = await log.open(taskOf({ task: task.task, partitions: [0, 1], isShared: true }))
    assert.deepEqual([...session.offsets], this.openedAt(task))
    if (task.owner !== null) {
      assert.ok(session.epoch > task.owner.epoch)
      task.fenced.push(task.owner)
    }
    task.owner = session
  }

  async #commit(task: ModelTask, session: Session): Promise<void> {
    const appends = this.#randomAppends(3)
    const offsets = this.#randomOffsets(task)
    const changelog = this.#random(3) === 0 ? null : this.#blob()
    this.#tell(`${task.task} commits ${text(appends)} ${offsets.join()} ${changelog ?? 'no blob'}`)
    const receipt = await session.commit({
      offsets,
      appends: encode(appends),
      changelog: changelog === null ? null : blob(changelog),
    })
    this.#apply(appends, receipt.appended)
    task.offsets = task.offsets.map((old, i) => (offsets[i] === -1 ? old : (offsets[i] as number)))
    if (changelog !== null) task.blobs = withBlob(task.blobs, changelog)
    this.commitCount += 1
  }

  /** Somewhere at or before the end; below the start it changes nothing. */
  async #trim(log: Log): Promise<void> {
    const found = this.#partitions[this.#random(4)] as ModelPartition
    const { topic, partition, values } = found
    const index = this.#random(values.length + 1)
    const offset = this.#offset(found, index)
    this.#tell(`trim ${topic}/${partition} to ${offset}`)
    await log.trim([{ topic, partition, offset }])
    found.start = Math.max(found.start, index)
    found.startOffset = Math.max(found.startOffset, offset)
    this.trimCount += 1
  }

  /** Offsets at which a session of the task begins: the committed ones, or what was trimmed to. */
  openedAt(task: ModelTask): number[] {
    const starts = this.#partitions.filter((p) => p.topic === 't').map((p) => p.startOffset)
    return task.offsets.map((offset, i) => Math.max(offset, starts[i] ?? 0))
  }

  /** For each input -1 or an offset from the committed one to the end. */
  #randomOffsets(task: ModelTask): number[] {
    const inputs = this.#partitions.filter((p) => p.topic === 't')
    return task.offsets.map((offset, i) => {
      const input = inputs[i] as ModelPartition
      const left = this.#written.of('t', i).filter((one) => one >= offset).length
      if (this.#random(3) === 0) return -1
      const index = input.values.length - left + this.#random(left + 1)
      return Math.max(offset, this.#offset(input, index))
    })
  }

  #blob(): string {
    const name = `c${this.#valueCount++}`
    return [name, name, `<${name}`, `${name}>`, `<${name}>`][this.#random(5)] as string
  }

  async #commitBad(task: ModelTask, session: Session): Promise<void> {
    const appends = [...this.#randomAppends(2), ...this.#bad()]
    this.#tell(`${task.task} commits ${text(appends)}, must fail`)
    const offsets = this.#randomOffsets(task)
    await mustFail(() =>
      session.commit({ offsets, appends: encode(appends), changelog: blob('<no>') }),
    )
    this.refusedCount += 1
  }

  async #commitFenced(task: ModelTask): Promise<void> {
    const session = task.fenced[this.#random(task.fenced.length)]
    if (session === undefined) return
    const appends = this.#randomAppends(2)
    this.#tell(`${task.task} commits ${text(appends)} by epoch ${session.epoch}, must be fenced`)
    const commit = { offsets: [0, 0], appends: encode(appends), changelog: blob('<no>') }
    assert.equal(await mustFail(() => session.commit(commit)), 'task-fenced')
    this.fencedCount += 1
  }

  async #close(task: ModelTask, session: Session): Promise<void> {
    this.#tell(`close ${task.task}`)
    await session.close()
    task.owner = null
  }
}

function encode(appends: readonly ModelAppend[]): AppendBatch[] {
  return appends.map(({ topic, partition, values }) => batchOf(topic, partition, ...values))
}

function text(appends: readonly ModelAppend[]): string {
  return appends
    .map(({ topic, partition, values }) => `${topic}/${partition}:${values.join()}`)
    .join(' ')
}

/** What is restored after one more blob. Without a start the round began at the first blob. */
function withBlob(blobs: readonly string[], added: string): string[] {
  const all = [...blobs, added]
  if (!added.endsWith('>')) return all
  const start = all.findLastIndex((name) => name.startsWith('<'))
  return start === -1 ? all : all.slice(start)
}

async function mustFail(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error))
    return error.code
  }
  return assert.fail('must be refused')
}
