/**
 * Random runs of a task with windows or running folds: rounds of input over several partitions
 * (disordered, late, doubled, undecodable, poisonous), cut into slices with commits and crashes
 * anywhere. `runCase` drives the real task; `fold-model.ts` says what must come out.
 */
import fc from 'fast-check'
import type { CommitBatch } from '../../log/log.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import type { Pipeline, TopicSpec } from '../../pipeline/node.ts'
import { Task } from '../task.ts'
import { OneTaskLog } from './changelog-session.ts'

/** A record of the input topic `in`: as JSON, or bytes that are none. */
export interface CaseRecord {
  readonly partition: number
  /** null: no key, which no fold can take. */
  readonly k: string | null
  readonly v: number
  readonly t: number
  readonly isBroken: boolean
}

/** After up to `limit` records: a commit, then perhaps a crash. */
export interface Slice {
  readonly limit: number
  readonly commits: boolean
  readonly crashes: boolean
}

export interface Round {
  /** Given at once, before the first slice. */
  readonly records: readonly CaseRecord[]
  readonly slices: readonly Slice[]
  /** The clock moves so far when all of it is processed. */
  readonly tickMs: number
}

export interface FoldCase {
  readonly partitions: number
  readonly outOfOrderMs: number
  readonly idleAfterMs: number
  readonly latenessMs: number
  readonly blockRecords: number
  readonly rounds: readonly Round[]
}

export const sizeMs = 10
/** No input falls idle before the end. */
export const neverIdleMs = 1_000_000

export const caseArbitrary: fc.Arbitrary<FoldCase> = fc
  .record({
    partitions: fc.integer({ min: 1, max: 3 }),
    outOfOrderMs: fc.constantFrom(0, 7),
    idleAfterMs: fc.constantFrom(neverIdleMs, 50),
    latenessMs: fc.constantFrom(0, 5, 25),
    blockRecords: fc.integer({ min: 1, max: 5 }),
    rounds: fc.array(roundArbitrary(), { minLength: 1, maxLength: 6 }),
    // Shrinks to none.
    manyKeys: fc.integer({ min: 0, max: 4 }).map((n) => (n === 4 ? 400 : 0)),
  })
  .map(({ manyKeys, ...one }) => {
    const [first, ...rest] = one.rounds.map((round) => withinPartitions(round, one.partitions))
    const bulk = Array.from({ length: manyKeys }, (_, i) => bulkRecord(i, one.partitions))
    return {
      ...one,
      rounds: [{ ...(first as Round), records: [...bulk, ...(first as Round).records] }, ...rest],
    }
  })

/** Enough keys that a snapshot takes several commits. */
function bulkRecord(i: number, partitions: number): CaseRecord {
  return { partition: i % partitions, k: `key ${i}`, v: i % 6, t: i % 60, isBroken: false }
}

function roundArbitrary(): fc.Arbitrary<Round> {
  const record = fc.record({
    partition: fc.integer({ min: 0, max: 2 }),
    k: fc.oneof({ weight: 20, arbitrary: fc.constantFrom('a', 'b', '', 'ä€') }, fc.constant(null)),
    v: fc.integer({ min: -3, max: 9 }),
    t: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -20, max: 60 }) },
      { weight: 3, arbitrary: fc.constantFrom(0, 9, 10, 19, 20, -1, -10) },
      fc.integer({ min: 0, max: 400 }),
    ),
    isBroken: fc.constant(false),
  })
  const broken = record.map((one) => ({ ...one, isBroken: true }))
  const slice = fc.record({
    limit: fc.integer({ min: 1, max: 6 }),
    commits: fc.boolean(),
    crashes: fc.boolean(),
  })
  return fc.record({
    records: fc.array(fc.oneof({ weight: 12, arbitrary: record }, broken), {
      minLength: 1,
      maxLength: 14,
    }),
    slices: fc.array(slice, { maxLength: 5 }),
    tickMs: fc.constantFrom(0, 1, 30, 60),
  })
}

/** Partitions that there are; some records come twice. */
function withinPartitions(round: Round, partitions: number): Round {
  const records = round.records.flatMap((one) => {
    const fitting = { ...one, partition: one.partition % partitions }
    return one.v === 1 ? [fitting, fitting] : [fitting]
  })
  return { ...round, records }
}

/** The same input in one slice a round, without a crash. */
export function uninterrupted(one: FoldCase): FoldCase {
  return {
    ...one,
    blockRecords: 100,
    rounds: one.rounds.map((round) => ({ ...round, slices: [] })),
  }
}

export interface Restart {
  readonly round: number
  /** Committed offsets, where the new task begins. */
  readonly offsets: readonly number[]
  /** Event time at the commit it begins from. */
  readonly watermarkMs: number
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

/** Runs the real task over a case. */
export function runCase(one: FoldCase, pipeline: Pipeline, sabotage: Sabotage = {}): CaseResult {
  const runner = new CaseRunner(one, pipeline, sabotage)
  return runner.run()
}

class CaseRunner {
  readonly #case: FoldCase
  readonly #sabotage: Sabotage
  readonly #pipeline: Pipeline
  readonly #log: OneTaskLog
  readonly #restarts: Restart[] = []
  #task: Task
  #nowMs = 0
  #committedWatermarkMs = -Infinity

  constructor(one: FoldCase, pipeline: Pipeline, sabotage: Sabotage) {
    this.#case = one
    this.#sabotage = sabotage
    this.#pipeline = pipeline
    const places = Array.from({ length: one.partitions }, (_, partition) => ({
      topic: 'in',
      partition,
    }))
    this.#log = new OneTaskLog(places)
    this.#task = this.#open()
  }

  run(): CaseResult {
    for (const [index, { records, slices, tickMs }] of this.#case.rounds.entries()) {
      for (let input = 0; input < this.#case.partitions; input++) {
        const fed = records.filter(({ partition }) => partition === input).map(fedRecord)
        this.#log.feed(input, fed, this.#case.blockRecords)
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
    this.#log.commit(this.#sabotage.commit?.(commit) ?? commit)
    this.#committedWatermarkMs = this.#task.watermarkMs
  }

  #open(): Task {
    const part = buildPlan(this.#pipeline, { name: 'test', repartition: false }).parts[0]
    const source = part?.steps.find(({ node }) => node.kind === 'source')
    if (part === undefined || source?.node.kind !== 'source') throw new Error('no source')
    const spec: TopicSpec = source.node.topic
    const { outOfOrderMs, idleAfterMs, partitions } = this.#case
    const clock = { outOfOrderMs, idleAfterMs, idle: 'advance' as const }
    const task = new Task({
      name: 'main/all',
      index: 0,
      part,
      session: this.#log.open(),
      inputs: this.#log.inputs.map((place) => ({
        kind: 'topic',
        step: source.name,
        place,
        spec,
        clock,
        partitionedBy: null,
        scope: 'partitioned',
      })),
      outputTopics: [
        { name: 'in.dead', partitionCount: partitions, recordBytesMax: 1_000_000, compact: false },
        { name: 'in.late', partitionCount: partitions, recordBytesMax: 1_000_000, compact: false },
        { name: 'out', partitionCount: 2, recordBytesMax: 1_000_000, compact: false },
      ],
      homeTopic: 'in',
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

function fedRecord(record: CaseRecord): { key: string | null; value: string; timeMs: number } {
  return { key: record.k, value: rawValue(record), timeMs: record.t }
}

/** The record's bytes as they lie in the log. */
export function rawValue({ k, v, t, isBroken }: CaseRecord): string {
  return isBroken ? '{"k":' : JSON.stringify({ k, v, t })
}
