import { test } from 'vitest'
import { checkFold } from '../../src/engine/conformance/fold-check.ts'
import {
  runningAggregate,
  runningReduce,
  windowAggregate,
  windowReduce,
} from '../../src/engine/conformance/fold-pipelines.ts'

test.each([
  ['every aggregator over windows', windowAggregate()],
  ['reduce over windows', windowReduce],
  ['every aggregator, running', runningAggregate],
  ['reduce, running', runningReduce],
] as const)('%s', (_title, fold) => {
  checkFold(fold, { runs: 3000 })
})
