import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkFold } from '../conformance/fold-check.ts'
import { windowAggregate, windowReduce } from '../conformance/fold-pipelines.ts'

const runs = Number(process.env['MILLRACE_MODEL_RUNS'] ?? 200)

for (const [title, fold] of [
  ['every aggregator over windows', windowAggregate()],
  ['reduce over windows', windowReduce],
] as const) {
  test(`O3 O1 O4 ${title}: as the plain model, with commits and restarts anywhere`, () => {
    const work = checkFold(fold, { runs })
    // A floor on what was exercised, for each run.
    assert.ok(work.records > 10 * runs, JSON.stringify(work))
    assert.ok(work.restarts > runs / 2, JSON.stringify(work))
    assert.ok(work.results > 3 * runs, JSON.stringify(work))
    assert.ok(work.revisions > runs / 2, JSON.stringify(work))
    assert.ok(work.late > runs, JSON.stringify(work))
    assert.ok(work.dead > runs, JSON.stringify(work))
  })
}
