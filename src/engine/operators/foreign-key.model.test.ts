import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkForeignKey } from '../conformance/foreign-key-net.ts'

test('a join on a foreign key over several tasks, whatever order they answer in', () => {
  const runs = Number(process.env['MILLRACE_MODEL_RUNS'] ?? 200)
  const work = checkForeignKey({ runs })
  assert.ok(work.changes > runs, JSON.stringify(work))
  assert.ok(work.outdated > runs, JSON.stringify(work))
})
