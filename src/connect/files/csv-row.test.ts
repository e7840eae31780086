import assert from 'node:assert/strict'
import { test } from 'vitest'
import { seededRandom } from '../../core/random.ts'
import { csvField, csvFields } from './csv-row.ts'

test.for<[string, string[] | null]>([
  ['a,b', ['a', 'b']],
  ['', ['']],
  [',', ['', '']],
  ['"a","b"', ['a', 'b']],
  ['"a""b",c', ['a"b', 'c']],
  ['"a,b\nc",', ['a,b\nc', '']],
  ['5" disk,x', ['5" disk', 'x']],
  ['""', ['']],
  ['"a"b', null],
  ['"a', null],
  ['a,"', null],
])('%j', ([row, fields]) => {
  assert.deepEqual(csvFields(row, ','), fields)
})

test('what is written is read back', () => {
  const random = seededRandom(3)
  for (let round = 0; round < 500; round++) {
    const fields = Array.from({ length: 1 + random.int(4) }, () =>
      Array.from({ length: random.int(6) }, () => 'a;,"\n\rä'[random.int(7)]).join(''),
    )
    const row = fields.map((field) => csvField(field, ';')).join(';')
    assert.deepEqual(csvFields(row, ';'), fields)
  }
})
