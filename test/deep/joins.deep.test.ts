import { test } from 'vitest'
import { checkJoin } from '../../src/engine/conformance/join-check.ts'
import { testedJoins } from '../../src/engine/conformance/join-models.ts'

test.each(Object.entries(testedJoins))('%s', (_name, join) => {
  checkJoin(join, { runs: 3000 })
})
