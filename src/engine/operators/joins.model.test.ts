import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkJoin } from '../conformance/join-check.ts'
import { testedJoins } from '../conformance/join-models.ts'

/** Of each operator, shared among its kinds of join. */
const runs = Number(process.env['MILLRACE_MODEL_RUNS'] ?? 200)
const kinds = Map.groupBy(Object.keys(testedJoins), operatorOf)

/** `within`, `same`, `as of`, `table at event time`, … */
function operatorOf(name: string): string {
  return /^(?:within|same|as of|table [aw]|table|global)/.exec(name)?.[0] ?? assert.fail(name)
}

/** Types that give rows without a partner, and kinds for which nothing is late. */
const hasUnmatched =
  /left|right|full|only|same time|history|sliding|cumulative|latest|^global table$/
const isNeverLate = /forever|latest|global/

test.each(Object.entries(testedJoins))(
  'O3 O1 O4 %s: as the plain model, with commits and restarts anywhere',
  (name, join) => {
    const share = Math.ceil(runs / (kinds.get(operatorOf(name))?.length ?? 1))
    const work = checkJoin(join, { runs: share })
    // A floor on what was exercised, for each run.
    const text = JSON.stringify(work)
    assert.ok(work.records > 10 * share, text)
    assert.ok(work.restarts > share / 2, text)
    assert.ok(work.pairs > share / 10, text)
    assert.equal(work.unmatched > share / 2, hasUnmatched.test(name), text)
    assert.equal(work.late > share / 2, !isNeverLate.test(name), text)
    assert.ok(work.dead > share / 10, text)
  },
)
