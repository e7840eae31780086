import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkProcess } from '../conformance/process-check.ts'

const runs = 200

test('O3 O1 O4 process: as a plain simulation, with commits, restarts and crashes anywhere', () => {
  const work = checkProcess({ runs })
  // A floor on what was exercised.
  assert.ok(work.shown > runs, JSON.stringify(work))
  assert.ok(work.dead > runs / 3, JSON.stringify(work))
  assert.ok(work.timers > runs, JSON.stringify(work))
  assert.ok(work.restarts > runs / 2, JSON.stringify(work))
})
