import { test } from 'vitest'
import { checkMatch } from '../../src/engine/conformance/match-check.ts'

test('patterns against the naive matcher', () => {
  checkMatch({ runs: 50_000 })
})
