/**
 * Random runs of a task with a join: rounds of input over several partitions of two topics
 * (disordered, late, doubled, without key, poisonous), cut into slices with commits and crashes
 * anywhere. `runJoinCase` drives the real task; `join-model.ts` says what must come out.
 */
import fc from 'fast-check'
import type { Pipeline } from '../../pipeline/node.ts'
import { runTaskCase } from './case-runner.ts'
import type { CaseResult, Sabotage, Slice } from './case-runner.ts'
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
  readonly slices: readonly Slice[]
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

/** Runs the real task over a case. */
export function runJoinCase(one: JoinCase, pipeline: Pipeline, sabotage?: Sabotage): CaseResult {
  const places = placesOf(one).map(({ side, partition }) => ({ topic: side, partition }))
  const inputOf = ({ side, partition }: JoinRecord): number =>
    places.findIndex((place) => place.topic === side && place.partition === partition)
  const setup = { pipeline, places, outPartitions: 1, inputOf, fed: fedRecord, neverIdleMs }
  return runTaskCase(one, setup, sabotage)
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
