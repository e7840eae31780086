import assert from 'node:assert/strict'
import { test } from 'vitest'
import { from, globalTable, json, string, topic } from '../../index.ts'
import { isCode } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import { checkTable } from '../conformance/join-table.ts'

const left = topic('left', { codec: string(), key: 'record' })
const right = topic('right', { codec: string(), key: 'record', partitions: 3 })
const table = globalTable(right)

test("a global table: the row as it is now, by the record's key", () => {
  const pipeline = from(left).join(table, { type: 'left' }).named('join')
  checkTable(
    testPipeline(pipeline.to(topic('out'))),
    `
    l k@5:a          | k@5:a+-
    r k@900:p j@1:q  |
    l k@6:b j@3:c    | k@6:b+p; j@3:c+q
    r k@2:r j@5:!    |
    l k@7:d j@8:e    | k@7:d+r; j@8:e+-
    r null@9:x       | dead null:x join
    l null@9:y       | dead null:y join`,
  )
})

test('a global table: by a key computed of the record; null and a key without row: none', () => {
  const by = (value: string): string | null => {
    if (value === 'bad') throw new Error('no')
    if (value === 'object') return {} as string
    return value === '' ? null : value
  }
  for (const [type, alone] of [
    ['inner', ''],
    ['left', 'k@7:z+-; k@8:+-'],
  ] as const) {
    const pipeline = from(left).join(table, { by, type }).named('join')
    checkTable(
      testPipeline(pipeline.to(topic('out'))),
      `
      r x@900:p                | 
      l k@5:x null@6:x         | k@5:x+p; null@6:x+p
      l k@7:z k@8:             | ${alone}
      l k@9:bad                | dead k:bad join
      l k@9:object             | dead k:object join`,
    )
  }
})

test('a global table does not hold event time back, and needs no key of the stream', () => {
  const keyless = from(topic('left', { codec: string() }))
  const pipeline = keyless.join(table, { by: (value) => value })
  const driven = testPipeline(pipeline.to(topic('out')))
  driven.push('right', 'p', { key: 'a', time: 5 })
  driven.push('left', 'a', { time: 1000 })
  assert.deepEqual(driven.outputs('out'), [{ left: 'a', right: 'p' }])
  assert.equal(driven.watermark(), 1000)
})

test('keys of any kind: numbers, pairs, −0 and NaN', () => {
  const rows = topic('rows', { codec: json<{ k: Key }>(), key: (row) => row.k })
  const asked = topic('asked', { codec: json<{ of: Key }>() })
  const pipeline = from(asked).join(globalTable(rows), { by: (a) => a.of, type: 'left' })
  const driven = testPipeline(pipeline.to(topic('out')))
  for (const k of [1, 0, '1', ['a', 1], '']) driven.push(rows, { k } as { k: Key })
  for (const of of [1, -0, '1', ['a', 1], '', 2]) driven.push(asked, { of } as { of: Key })
  const found = (driven.outputs('out') as { right: { k: Key } | null }[]).map(({ right: row }) => {
    return row === null ? null : row.k
  })
  assert.deepEqual(found, [1, 0, '1', ['a', 1], '', null])
})

test('refused: a topic without key, a stream without key and no `by`', () => {
  const keyless = topic('keyless', { codec: string() })
  assert.throws(
    () => globalTable(keyless as unknown as typeof right),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
  const join = from(keyless).join as (...args: unknown[]) => ReturnType<typeof from>
  assert.throws(
    () => testPipeline(join.call(from(keyless), table).named('look').to(topic('out'))),
    (thrown) => isCode(thrown, 'invalid-plan') && thrown.message.includes("step 'look'"),
  )
  assert.throws(
    () => join.call(from(keyless), table, { by: 'key' }),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
})
