import { test } from 'vitest'
import { testedWindows } from '../../src/engine/conformance/window-case.ts'
import { checkWindow } from '../../src/engine/conformance/window-check.ts'

test.each(Object.keys(testedWindows))('windows, %s', (name) => {
  checkWindow(name, { runs: 1500 })
})
