import { test } from 'vitest'
import { checkForeignKey } from '../../src/engine/conformance/foreign-key-net.ts'
import { checkTable } from '../../src/engine/conformance/table-check.ts'
import { testedTables } from '../../src/engine/conformance/table-pipelines.ts'

test.each(Object.entries(testedTables))('%s', (_name, table) => {
  checkTable(table, { runs: 3000 })
})

test('a join on a foreign key over several tasks', () => {
  checkForeignKey({ runs: 50_000 })
})
