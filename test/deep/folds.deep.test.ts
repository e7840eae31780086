import { test } from 'vitest'
import { checkFold } from '../../src/engine/conformance/fold-check.ts'
import { testedFolds } from '../../src/engine/conformance/fold-pipelines.ts'

test.each(Object.entries(testedFolds))('%s', (_name, fold) => {
  checkFold(fold, { runs: 3000 })
})
