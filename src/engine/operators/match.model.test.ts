import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkMatch } from '../conformance/match-check.ts'

const runs = 200

test('O3 O1 O4 match: as its definition has it, with commits and restarts anywhere', () => {
  const work = checkMatch({ runs })
  // A floor on what was exercised.
  assert.ok(work.matches > runs / 2, JSON.stringify(work))
  assert.ok(work.timedOut > runs / 2, JSON.stringify(work))
  assert.ok(work.late > runs / 4, JSON.stringify(work))
  assert.ok(work.dead > runs / 20, JSON.stringify(work))
  assert.ok(work.restarts > runs / 4, JSON.stringify(work))
})
