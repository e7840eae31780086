import { test } from 'vitest'
import { checkProcess } from '../../src/engine/conformance/process-check.ts'

test('process against the plain simulation', () => {
  checkProcess({ runs: 20_000 })
})
