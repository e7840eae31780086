/** The properties that every table must have, on random cases. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { joinCases, neverIdleMs, runJoinCase } from './join-case.ts'
import { uninterrupted } from './case-runner.ts'
import type { JoinCase } from './join-case.ts'
import type { CaseResult, Sabotage } from './case-runner.ts'
import { tableLines } from './table-model.ts'
import type { TestedTable } from './table-pipelines.ts'

export interface TableCheck {
  readonly runs: number
  /** Default: another one each time; a failure prints it. */
  readonly seed?: number
  readonly sabotage?: Sabotage
  /** `no`: the first failure will do. Default: yes. */
  readonly shrinks?: 'yes' | 'no'
}

/** What the checked runs met: so that a check that exercises nothing can be noticed. */
export interface TableWork {
  records: number
  restarts: number
  given: number
  deleted: number
  late: number
  dead: number
}

/** @throws with the seed and the smallest case found where the task and the model differ */
export function checkTable({ pipeline, model }: TestedTable, check: TableCheck): TableWork {
  const work: TableWork = { records: 0, restarts: 0, given: 0, deleted: 0, late: 0, dead: 0 }
  const run = (one: JoinCase): CaseResult => runJoinCase(one, pipeline, check.sabotage)
  const property = fc.property(joinCases(1), (one) => {
    const { lines, restarts } = run(one)
    checkChain(lines)
    const changes = lines.filter(isChange)
    const expected = tableLines(one, model(), restarts).filter(isChange)
    assert.deepEqual(changes, expected, 'differs from the model')
    if (one.idleAfterMs === neverIdleMs || restarts.length === 0) {
      assert.deepEqual(lines, run(uninterrupted(one)).lines, 'differs from the uninterrupted run')
    }
    work.records += one.rounds.reduce((sum, { records }) => sum + records.length, 0)
    work.restarts += restarts.length
    for (const line of lines) {
      if (line.includes('.late/')) work.late += 1
      else if (line.includes('.dead/')) work.dead += 1
      else if (line.includes('"after":null')) work.deleted += 1
      else work.given += 1
    }
  })
  const seed = check.seed === undefined ? {} : { seed: check.seed }
  fc.assert(property, { numRuns: check.runs, endOnFailure: check.shrinks === 'no', ...seed })
  return work
}

const changeLine = /^out\/0 (.*?)=\{"before":(.*),"after":(.*)\}@-?\d+$/

/** A change from a row to an equal one says nothing. */
function isChange(line: string): boolean {
  const [, , before, after] = changeLine.exec(line) ?? []
  return before === undefined || before !== after
}

/** The row before each change is the one after the key's last change. */
function checkChain(lines: readonly string[]): void {
  const rows = new Map<string, string>()
  for (const line of lines) {
    const [, key, before, after] = changeLine.exec(line) ?? []
    if (key === undefined || before === undefined || after === undefined) continue
    assert.equal(before, rows.get(key) ?? 'null', line)
    assert.ok(before !== 'null' || after !== 'null', line)
    rows.set(key, after)
  }
}
