/**
 * Random runs of a task with a join: rounds of input over several partitions of two topics
 * (disordered, late, doubled, without key, poisonous), cut into slices with commits and crashes
 * anywhere. `runJoinCase` drives the real task; `join-model.ts` says what must come out.
 */
import fc from 'fast-check'
import type { CommitBatch } from '../../log/log.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import type { TaskInput } from '../task-inputs.ts'
import { Task } from '../task.ts'
import { OneTaskLog } from './changelog-session.ts'
import type { FedRecord } from './changelog-session.ts'

export type SideName = 'left' | 'right'

/** A record of a topic `left` or `right`. */
export interface JoinRecord {
  readonly side: SideName
  readonly partition: number
  /** null: no key. */
  readonly k: string | null
  readonly v: number
  readonly t: number
}

export interface JoinRound {
  /** Given at once, before the first slice. */
  readonly records: readonly JoinRecord[]
  /** After up to `limit` records: a commit, then perhaps a crash. */
  readonly slices: readonly { limit: number; commits: boolean; crashes: boolean }[]
  /** The clock moves so far when all of it is processed. */
  readonly tickMs: number
}

export interface JoinCase {
  /** Of each topic. */
  readonly partitions: number
  readonly outOfOrderMs: number
  readonly idleAfterMs: number
  readonly blockRecords: number
  readonly rounds: readonly JoinRound[]
}

/** No input falls idle before the end. */
export const neverIdleMs = 1_000_000_000

/** @param scaleMs what a unit of time is in ms */
export function joinCases(scaleMs: number): fc.Arbitrary<JoinCase> {
  return fc
    .record({
      partitions: fc.integer({ min: 1, max: 2 }),
      outOfOrderMs: fc.constantFrom(0, 7 * scaleMs),
      idleAfterMs: fc.constantFrom(neverIdleMs, 50 * scaleMs),
      blockRecords: fc.integer({ min: 1, max: 5 }),
      rounds: fc.array(roundArbitrary(scaleMs), { minLength: 1, maxLength: 6 }),
      // Shrinks to none: enough rows of one key to fill several chunks.
      many: fc.integer({ min: 0, max: 15 }).map((n) => (n === 15 ? 300 : 0)),
    })
    .map(({ many, ...one }) => {
      const rounds = one.rounds.map((round) => withinPartitions(round, one.partitions))
      const [first, ...rest] = rounds as [JoinRound, ...JoinRound[]]
      const bulk = Array.from({ length: many }, (_, i): JoinRecord => {
        const side = i % 60 === 0 ? 'right' : 'left'
        return { side, partition: 0, k: 'a', v: i % 5, t: ((i * 7) % 4) * scaleMs }
      })
      return { ...one, rounds: [{ ...first, records: [...bulk, ...first.records] }, ...rest] }
    })
}

function roundArbitrary(scaleMs: number): fc.Arbitrary<JoinRound> {
  const record = fc.record({
    side: fc.constantFrom<SideName>('left', 'right'),
    partition: fc.integer({ min: 0, max: 1 }),
    k: fc.oneof({ weight: 25, arbitrary: fc.constantFrom('a', 'b', 'ä€') }, fc.constant(null)),
    v: fc.integer({ min: 0, max: 9 }),
    t: fc
      .oneof(
        { weight: 9, arbitrary: fc.integer({ min: -20, max: 60 }) },
        fc.integer({ min: 0, max: 300 }),
      )
      .map((units) => units * scaleMs),
  })
  const slice = fc.record({
    limit: fc.integer({ min: 1, max: 6 }),
    commits: fc.boolean(),
    crashes: fc.boolean(),
  })
  return fc.record({
    records: fc.array(record, { minLength: 1, maxLength: 16 }),
    slices: fc.array(slice, { maxLength: 5 }),
    tickMs: fc.constantFrom(0, 1, 30, 60).map((units) => units * scaleMs),
  })
}

/** Partitions that there are; some records come twice, some on both sides. */
function withinPartitions(round: JoinRound, partitions: number): JoinRound {
  const records = round.records.flatMap((one) => {
    const placed = { ...one, partition: one.partition % partitions }
    if (one.v === 5) return [placed, placed]
    const side = one.side === 'left' ? 'right' : 'left'
    return one.v === 6 ? [placed, { ...placed, side } as const] : [placed]
  })
  return { ...round, records }
}

/** The same input in one slice a round, without a crash. */
export function uninterrupted(one: JoinCase): JoinCase {
  const rounds = one.rounds.map((round) => ({ ...round, slices: [] }))
  return { ...one, blockRecords: 100, rounds }
}

export interface JoinRestart {
  readonly round: number
  /** Committed offsets, where the new task begins. */
  readonly offsets: readonly number[]
  /** Event time at the commit it begins from. */
  readonly watermarkMs: number
}

export interface JoinResult {
  readonly lines: readonly string[]
  readonly restarts: readonly JoinRestart[]
}

/** For tests of the tests: what goes wrong on purpose. */
export type Sabotage = (commit: CommitBatch) => CommitBatch

/** Runs the real task over a case. */
export function runJoinCase(one: JoinCase, pipeline: Pipeline, sabotage?: Sabotage): JoinResult {
  return new CaseRunner(one, pipeline, sabotage ?? ((commit) => commit)).run()
}

class CaseRunner {
  readonly #case: JoinCase
  readonly #sabotage: Sabotage
  readonly #pipeline: Pipeline
  readonly #log: OneTaskLog
  readonly #restarts: JoinRestart[] = []
  #task: Task
  #nowMs = 0
  #committedWatermarkMs = -Infinity

  constructor(one: JoinCase, pipeline: Pipeline, sabotage: Sabotage) {
    this.#case = one
    this.#sabotage = sabotage
    this.#pipeline = pipeline
    const places = placesOf(one).map(({ side, partition }) => ({ topic: side, partition }))
    this.#log = new OneTaskLog(places)
    this.#task = this.#open()
  }

  run(): JoinResult {
    for (const [index, { records, slices, tickMs }] of this.#case.rounds.entries()) {
      for (const [input, place] of placesOf(this.#case).entries()) {
        const isHere = ({ side, partition }: JoinRecord): boolean =>
          side === place.side && partition === place.partition
        this.#log.feed(input, records.filter(isHere).map(fedRecord), this.#case.blockRecords)
      }
      for (const { limit, commits, crashes } of slices) {
        this.#task.process(limit)
        if (commits) this.#commit()
        if (!crashes) continue
        const watermarkMs = this.#committedWatermarkMs
        this.#restarts.push({ round: index, offsets: [...this.#log.offsets], watermarkMs })
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
    this.#log.commit(this.#sabotage(commit))
    this.#committedWatermarkMs = this.#task.watermarkMs
  }

  #open(): Task {
    const part = buildPlan(this.#pipeline, { name: 'test', repartition: false }).parts[0]
    if (part === undefined) throw new Error('no part')
    const { outOfOrderMs, idleAfterMs, partitions } = this.#case
    const clock = { outOfOrderMs, idleAfterMs, idle: 'advance' as const }
    const inputs = this.#log.inputs.map((place): TaskInput => {
      const source = part.steps.find(
        ({ node }) => node.kind === 'source' && node.topic.name === place.topic,
      )
      if (source?.node.kind !== 'source') throw new Error(`no source ${place.topic}`)
      const { topic: spec, scope } = source.node
      return { kind: 'topic', step: source.name, place, spec, clock, partitionedBy: null, scope }
    })
    const outputs = ['left.dead', 'left.late', 'right.dead', 'right.late', 'out']
    const task = new Task({
      name: 'main/all',
      index: 0,
      part,
      session: this.#log.open(),
      inputs,
      outputTopics: outputs.map((name) => {
        const partitionCount = name === 'out' ? 1 : partitions
        return { name, partitionCount, recordBytesMax: 1_000_000, compact: false }
      }),
      homeTopic: 'left',
      nowMs: this.#nowMs,
      outside: { after: () => () => {}, wake: () => {} },
      print: () => {},
    })
    for (const { bytes } of this.#log.kept.blobs) task.restore(bytes)
    task.begin()
    return task
  }
}

/** The task's inputs, in their order. */
export function placesOf(one: JoinCase): { side: SideName; partition: number }[] {
  return (['left', 'right'] as const).flatMap((side) =>
    Array.from({ length: one.partitions }, (_, partition) => ({ side, partition })),
  )
}

function fedRecord(record: JoinRecord): FedRecord {
  return { key: record.k, value: rawValue(record), timeMs: record.t }
}

/** The record's bytes as they lie in the log. */
export function rawValue({ k, v, t }: JoinRecord): string {
  return JSON.stringify({ k, v, t })
}
