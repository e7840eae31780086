/** The properties that every join must have, on random cases. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { joinCases, neverIdleMs, runJoinCase } from './join-case.ts'
import { uninterrupted } from './case-runner.ts'
import type { Sabotage } from './case-runner.ts'
import { joinLines } from './join-model.ts'
import type { TestedJoin } from './join-models.ts'

export interface JoinCheck {
  readonly runs: number
  /** Default: another one each time; a failure prints it. */
  readonly seed?: number
  readonly sabotage?: Sabotage
}

/** What the checked runs met: so that a check that exercises nothing can be noticed. */
export interface JoinWork {
  records: number
  restarts: number
  pairs: number
  unmatched: number
  late: number
  dead: number
}

/** @throws with the seed and the smallest case found where the task and the model differ */
export function checkJoin({ scaleMs, pipeline, model }: TestedJoin, check: JoinCheck): JoinWork {
  const work: JoinWork = { records: 0, restarts: 0, pairs: 0, unmatched: 0, late: 0, dead: 0 }
  const property = fc.property(joinCases(scaleMs), (one) => {
    const { lines, restarts } = runJoinCase(one, pipeline, check.sabotage)
    assert.deepEqual(lines, joinLines(one, model, restarts), 'differs from the model')
    // What only the clock has moved is not committed: where one falls idle, windows close later.
    if (one.idleAfterMs === neverIdleMs || restarts.length === 0) {
      const straight = runJoinCase(uninterrupted(one), pipeline, check.sabotage)
      assert.deepEqual(lines, straight.lines, 'differs from the uninterrupted run')
    }
    work.records += one.rounds.reduce((sum, { records }) => sum + records.length, 0)
    work.restarts += restarts.length
    for (const line of lines) {
      if (line.includes('.late/')) work.late += 1
      else if (line.includes('.dead/')) work.dead += 1
      else if (line.includes(':null}') || line.includes('"left":null')) work.unmatched += 1
      else work.pairs += 1
    }
  })
  const seed = check.seed === undefined ? {} : { seed: check.seed }
  fc.assert(property, { numRuns: check.runs, ...seed })
  return work
}
