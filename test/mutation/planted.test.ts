/** The list of planted bugs stays true to the source; `npm run mutants` plants them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'vitest'
import { plant, plantedBugs } from './planted.ts'

test.for(plantedBugs)('$name: can be planted', (bug) => {
  const source = readFileSync(new URL(`../../${bug.file}`, import.meta.url), 'utf8')
  assert.notEqual(plant(bug, source), source)
})

test('each has a name of its own', () => {
  assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length)
})

test('what is not there exactly once is refused', () => {
  const bug = { name: 'b', file: 'f', find: 'a', replace: 'c' }
  assert.throws(() => plant(bug, 'b'), /exactly once/)
  assert.throws(() => plant(bug, 'aa'), /exactly once/)
  assert.throws(() => plant({ ...bug, replace: 'a' }, 'a'), /changes nothing/)
})
