import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkFold } from '../conformance/fold-check.ts'
import { runningAggregate, runningReduce } from '../conformance/fold-pipelines.ts'

const runs = Number(process.env['MILLRACE_MODEL_RUNS'] ?? 200)

for (const [title, fold] of [
  ['every aggregator without a window', runningAggregate],
  ['reduce without a window', runningReduce],
] as const) {
  test(`O3 O1 O4 ${title}: as the plain model, with commits and restarts anywhere`, () => {
    const work = checkFold(fold, { runs })
    assert.ok(work.restarts > runs / 2, JSON.stringify(work))
    assert.ok(work.results > 10 * runs, JSON.stringify(work))
    assert.equal(work.late, 0)
    assert.ok(work.dead > runs, JSON.stringify(work))
  })
}
