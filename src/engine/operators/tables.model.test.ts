import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { CommitBatch } from '../../log/log.ts'
import { checkTable } from '../conformance/table-check.ts'
import { testedTables } from '../conformance/table-pipelines.ts'

/** Of each operator, shared among its kinds. */
const allRuns = Number(process.env['MILLRACE_MODEL_RUNS'] ?? 200)
const kinds = Map.groupBy(Object.keys(testedTables), operatorOf)

function operatorOf(name: string): string {
  return /groups|maxima/.test(name)
    ? 'groups'
    : (/^(?:running|map|join on|join|first|dedupe|changes)/.exec(name)?.[0] ?? assert.fail(name))
}

/** A full join's rows go away where both sides do: too seldom to count on. */
const hasDeletes = /^(?:map|join(?!, full)|aggregates|first of groups|.*ttl|average)/
const hasLate = /ttl|dedupe/

test.each(Object.entries(testedTables))(
  'O3 O1 O4 %s: as computed anew of all records, with commits and restarts anywhere',
  (name, table) => {
    const runs = Math.ceil(allRuns / (kinds.get(operatorOf(name))?.length ?? 1))
    const work = checkTable(table, { runs })
    // A floor on what was exercised, for each run.
    const text = JSON.stringify(work)
    assert.ok(work.records > 10 * runs, text)
    assert.ok(work.restarts > runs / 2, text)
    assert.ok(work.given > runs, text)
    assert.ok(work.dead > runs / 10, text)
    if (hasDeletes.test(name)) assert.ok(work.deleted > runs / 4, text)
    assert.equal(work.late > runs / 4, hasLate.test(name), text)
  },
)

test('a changelog that loses what was written is noticed', () => {
  const sabotage = { sabotage: { commit: lossy }, seed: 1, runs: 300 }
  for (const name of ['join, full', 'join on a foreign key, left', 'first of groups', 'dedupe']) {
    const table = testedTables[name] ?? assert.fail(name)
    assert.throws(() => checkTable(table, { ...sabotage, shrinks: 'no' }), /Property failed/, name)
  }
})

function lossy(commit: CommitBatch): CommitBatch {
  return { ...commit, changelog: null }
}
