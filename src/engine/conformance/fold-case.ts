/**
 * Random runs of a task with windows or running folds: rounds of input over several partitions
 * (disordered, late, doubled, undecodable, poisonous), cut into slices with commits and crashes
 * anywhere. `runCase` drives the real task; `fold-model.ts` says what must come out.
 */
import fc from 'fast-check'
import type { Pipeline } from '../../pipeline/node.ts'
import { runTaskCase } from './case-runner.ts'
import type { CaseResult, Sabotage, Slice } from './case-runner.ts'
import type { FedRecord } from './changelog-session.ts'

/** A record of the input topic `in`: as JSON, or bytes that are none. */
export interface CaseRecord {
  readonly partition: number
  /** null: no key, which no fold can take. */
  readonly k: string | null
  readonly v: number
  readonly t: number
  readonly isBroken: boolean
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

/** Runs the real task over a case. */
export function runCase(one: FoldCase, pipeline: Pipeline, sabotage: Sabotage = {}): CaseResult {
  const places = Array.from({ length: one.partitions }, (_, partition) => {
    return { topic: 'in', partition }
  })
  const inputOf = ({ partition }: CaseRecord): number => partition
  const setup = { pipeline, places, outPartitions: 2, inputOf, fed: fedRecord, neverIdleMs }
  return runTaskCase(one, setup, sabotage)
}

function fedRecord(record: CaseRecord): FedRecord {
  return { key: record.k, value: rawValue(record), timeMs: record.t }
}

/** The record's bytes as they lie in the log. */
export function rawValue({ k, v, t, isBroken }: CaseRecord): string {
  return isBroken ? '{"k":' : JSON.stringify({ k, v, t })
}
