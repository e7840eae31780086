/**
 * Drives a real task over a random case: rounds of input, cut into slices with commits and crashes
 * anywhere. What the case is about (records, pipeline, model) is whoever's who calls.
 */
import type { CommitBatch, TopicPartition } from '../../log/log.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { Task } from '../task.ts'
import type { TaskInput } from '../task-inputs.ts'
import { OneTaskLog } from './changelog-session.ts'
import type { FedRecord } from './changelog-session.ts'

/** After up to `limit` records: a commit, then perhaps a crash. */
export interface Slice {
  readonly limit: number
  readonly commits: boolean
  readonly crashes: boolean
}

export interface TaskCase<R> {
  /** Of each input topic. */
  readonly partitions: number
  readonly outOfOrderMs: number
  readonly idleAfterMs: number
  readonly blockRecords: number
  readonly rounds: readonly {
    /** Given at once, before the first slice. */
    readonly records: readonly R[]
    readonly slices: readonly Slice[]
    /** The clock moves so far when all of it is processed. */
    readonly tickMs: number
  }[]
}

export interface CaseSetup<R> {
  readonly pipeline: Pipeline
  /** The task's inputs, in their order; the first one's topic takes homeless letters. */
  readonly places: readonly TopicPartition[]
  readonly outPartitions: number
  /** Index of the place of a record. */
  inputOf(record: R): number
  fed(record: R): FedRecord
  /** Twice so long the clock moves at the end: nothing falls idle before. */
  readonly neverIdleMs: number
}

export interface Restart {
  readonly round: number
  /** Committed offsets, where the new task begins. */
  readonly offsets: readonly number[]
  /** Event time at the commit it begins from. */
  readonly watermarkMs: number
  /** For each input, how long no record had come at that commit. */
  readonly quietMs: readonly number[]
}

export interface CaseResult {
  readonly lines: readonly string[]
  readonly restarts: readonly Restart[]
}

/** For tests of the tests: what goes wrong on purpose. */
export interface Sabotage {
  commit?(commit: CommitBatch): CommitBatch
  begin?(begin: () => void): void
}

/** The same input in one slice a round, without a crash. */
export function uninterrupted<R, C extends TaskCase<R>>(one: C): C {
  const rounds = one.rounds.map((round) => ({ ...round, slices: [] }))
  return { ...one, blockRecords: 100, rounds }
}

export function runTaskCase<R>(
  one: TaskCase<R>,
  setup: CaseSetup<R>,
  sabotage: Sabotage = {},
): CaseResult {
  return new CaseRunner(one, setup, sabotage).run()
}

class CaseRunner<R> {
  readonly #case: TaskCase<R>
  readonly #setup: CaseSetup<R>
  readonly #sabotage: Sabotage
  readonly #log: OneTaskLog
  readonly #restarts: Restart[] = []
  #task: Task
  #nowMs = 0
  #committed: Pick<Restart, 'watermarkMs' | 'quietMs'> = { watermarkMs: -Infinity, quietMs: [] }

  constructor(one: TaskCase<R>, setup: CaseSetup<R>, sabotage: Sabotage) {
    this.#case = one
    this.#setup = setup
    this.#sabotage = sabotage
    this.#log = new OneTaskLog(setup.places)
    this.#task = this.#open()
  }

  run(): CaseResult {
    const { places, inputOf, fed, neverIdleMs } = this.#setup
    for (const [index, { records, slices, tickMs }] of this.#case.rounds.entries()) {
      for (const input of places.keys()) {
        const here = records.filter((record) => inputOf(record) === input).map(fed)
        this.#log.feed(input, here, this.#case.blockRecords)
      }
      for (const { limit, commits, crashes } of slices) {
        this.#task.process(limit)
        if (commits) this.#commit()
        if (!crashes) continue
        const offsets = [...this.#log.offsets]
        this.#restarts.push({ round: index, offsets, ...this.#committed })
        this.#task = this.#open()
      }
      while (this.#task.process(3) === 'more');
      this.#tick(tickMs)
      this.#commit()
    }
    this.#tick(neverIdleMs)
    this.#tick(neverIdleMs)
    this.#commit()
    return { lines: this.#log.lines(), restarts: this.#restarts }
  }

  #tick(byMs: number): void {
    this.#nowMs += byMs
    this.#task.tick(this.#nowMs)
  }

  #commit(): void {
    const commit = this.#task.takeCommit()
    if (commit === null) return
    this.#log.commit(this.#sabotage.commit?.(commit) ?? commit)
    const { watermarkMs, cursors } = this.#task
    this.#committed = { watermarkMs, quietMs: cursors.map(({ clock }) => clock.quietMs) }
  }

  #open(): Task {
    const { pipeline, places, outPartitions } = this.#setup
    const part = buildPlan(pipeline, { name: 'test', repartition: false }).parts[0]
    if (part === undefined) throw new Error('no part')
    const { outOfOrderMs, idleAfterMs, partitions } = this.#case
    const clock = { outOfOrderMs, idleAfterMs, idle: 'advance' as const }
    const inputs = places.map((place): TaskInput => {
      const source = part.steps.find(
        ({ node }) => node.kind === 'source' && node.topic.name === place.topic,
      )
      if (source?.node.kind !== 'source') throw new Error(`no source ${place.topic}`)
      const { topic: spec, scope } = source.node
      return { kind: 'topic', step: source.name, place, spec, clock, partitionedBy: null, scope }
    })
    const topics = [...new Set(places.map(({ topic }) => topic))]
    const letters = topics.flatMap((topic) => [`${topic}.dead`, `${topic}.late`])
    const task = new Task({
      name: 'main/all',
      index: 0,
      part,
      session: this.#log.open(),
      inputs,
      outputTopics: [...letters, 'out'].map((name) => {
        const partitionCount = name === 'out' ? outPartitions : partitions
        return { name, partitionCount, recordBytesMax: 1_000_000, compact: false }
      }),
      homeTopic: topics[0] ?? '',
      nowMs: this.#nowMs,
      outside: { after: () => () => {}, wake: () => {} },
      print: () => {},
    })
    for (const { bytes } of this.#log.kept.blobs) task.restore(bytes)
    const begin = (): void => task.begin()
    if (this.#sabotage.begin === undefined) begin()
    else this.#sabotage.begin(begin)
    return task
  }
}
