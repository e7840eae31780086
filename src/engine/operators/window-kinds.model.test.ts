import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkWindow } from '../conformance/window-check.ts'
import { testedWindows } from '../conformance/window-case.ts'

const runs = Math.ceil(Number(process.env['MILLRACE_MODEL_RUNS'] ?? 300) / 12)

test.each(Object.keys(testedWindows))(
  'O3 O1 O4 windows, %s: as the plain model, with commits and restarts anywhere',
  (name) => {
    const work = checkWindow(name, { runs })
    // A floor on what was exercised, for each run.
    const text = JSON.stringify(work)
    assert.ok(work.results > 3 * runs, text)
    assert.ok(work.restarts > runs / 4, text)
    if (!/count|global/.test(name)) assert.ok(work.late > 0, text)
    if (!/global/.test(name)) assert.ok(work.final > 0, text)
  },
)
