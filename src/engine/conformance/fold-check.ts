/** The properties that every fold must have, on random cases. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { caseArbitrary, neverIdleMs, runCase } from './fold-case.ts'
import { uninterrupted } from './case-runner.ts'
import type { Sabotage } from './case-runner.ts'
import { modelLines } from './fold-model.ts'
import type { TestedFold } from './fold-pipelines.ts'

export interface FoldCheck {
  readonly runs: number
  /** Default: another one each time; a failure prints it. */
  readonly seed?: number
  readonly sabotage?: Sabotage
  /** `no`: the first failure will do. Default: yes. */
  readonly shrinks?: 'yes' | 'no'
}

/** What the checked runs met: so that a check that exercises nothing can be noticed. */
export interface FoldWork {
  records: number
  restarts: number
  results: number
  revisions: number
  late: number
  dead: number
}

/** @throws with the seed and the smallest case found where the task and the model differ */
export function checkFold({ pipeline, rules }: TestedFold, check: FoldCheck): FoldWork {
  const work: FoldWork = { records: 0, restarts: 0, results: 0, revisions: 0, late: 0, dead: 0 }
  const property = fc.property(caseArbitrary, (one) => {
    const built = pipeline(one.latenessMs)
    const { lines, restarts } = runCase(one, built, check.sabotage)
    assert.deepEqual(lines, modelLines(one, rules, restarts), 'differs from the model')
    const straight = runCase(uninterrupted(one), built, check.sabotage)
    // What only the clock has moved is not committed: where one falls idle, windows close later.
    if (one.idleAfterMs === neverIdleMs || restarts.length === 0) {
      assert.deepEqual(lines, straight.lines, 'differs from the uninterrupted run')
    }
    work.records += one.rounds.reduce((sum, { records }) => sum + records.length, 0)
    work.restarts += restarts.length
    for (const line of lines) {
      if (line.startsWith('out/')) work.results += 1
      if (line.includes('"revision"')) work.revisions += 1
      if (line.startsWith('in.late/')) work.late += 1
      if (line.startsWith('in.dead/')) work.dead += 1
    }
  })
  fc.assert(property, {
    numRuns: check.runs,
    endOnFailure: check.shrinks === 'no',
    ...(check.seed === undefined ? {} : { seed: check.seed }),
  })
  return work
}
