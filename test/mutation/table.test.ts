import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Planted } from './planted-bug.ts'
import { withRows } from './table.ts'
import type { Verdict } from './table.ts'

const bug = (name: string): Planted => ({ name, file: 'src/a.ts', find: 'a', replace: 'b' })
const verdict = (name: string, more: Partial<Verdict> = {}): Verdict => ({
  bug: bug(name),
  by: { file: 'src/a.test.ts', test: 'it | works' },
  seconds: 3,
  simulated: 'no',
  ...more,
})
const empty = 'before\n<!-- planted bugs: begin -->\n<!-- planted bugs: end -->\nafter\n'

test('rows stand in the order of the list; those of before stay, or go with their bug', () => {
  const planted = [bug('one'), bug('two')]
  const first = withRows(empty, [verdict('two'), verdict('gone')], [...planted, bug('gone')])
  const second = withRows(first, [verdict('one', { simulated: 'yes' })], planted)
  assert.deepEqual(second.split('\n').slice(0, 8), [
    'before',
    '<!-- planted bugs: begin -->',
    '',
    '| bug | caught by | s | simulated |',
    '|---|---|---|---|',
    '| one | a: it \\| works | 3 | yes |',
    '| two | a: it \\| works | 3 | – |',
    '',
  ])
  assert.ok(second.endsWith('<!-- planted bugs: end -->\nafter\n'))
})

test('a survivor and a time-out are called by their names', () => {
  const rows = [
    verdict('one', { by: null }),
    verdict('two', { by: { file: null, test: 'does not end' } }),
  ]
  const text = withRows(empty, rows, [bug('one'), bug('two')])
  assert.match(text, /\| one \| \*\*nobody\*\* \|/)
  assert.match(text, /\| two \| time-out: does not end \|/)
})

test('a document without a place for the table is refused', () => {
  assert.throws(() => withRows('nothing', [], []), /no place/)
})
