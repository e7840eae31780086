import assert from 'node:assert/strict'
import { test } from 'vitest'
import { from, json, topic } from '../../index.ts'
import type { Key } from '../../index.ts'
import { isCode } from '../../core/error.ts'
import { testPipeline } from '../../testing.ts'

const rows = topic('rows', { codec: json<{ k: string; v: number }>(), key: (row) => row.k })

test('each record takes one way, all of a key the same, and keys spread', () => {
  const ways = from(rows).split(3)
  const topics = ways.map((_, i) => topic(`way-${i}`))
  const run = testPipeline(ways.map((way, i) => way.to(topics[i] as (typeof topics)[0])))
  for (let v = 0; v < 600; v++) run.push(rows, { k: `key ${v % 60}`, v })
  const wayOf = new Map<string, number>()
  const keys = topics.map((of, way) => {
    const values = run.outputs(of) as { k: string; v: number }[]
    for (const { k } of values) {
      assert.equal(wayOf.get(k) ?? way, way, k)
      wayOf.set(k, way)
    }
    assert.deepEqual(
      values.map(({ v }) => v).toSorted((a, b) => a - b),
      values.map(({ v }) => v),
    )
    return new Set(values.map(({ k }) => k)).size
  })
  assert.equal(wayOf.size, 60)
  for (const count of keys) assert.ok(count >= 10, String(keys))
})

test('keys of any type; a record without one is a dead letter', () => {
  const mixed = topic('mixed', { codec: json<Key>(), key: (key) => key })
  const [one] = from(mixed).split(1)
  const run = testPipeline(one.to(topic('out')))
  for (const key of ['', 0, true, ['a', 1], null]) run.push(mixed, key as Key)
  assert.equal(run.outputs('out').length, 4)
  assert.equal(run.deadLetters()[0]?.step, 'mixed.split')
})

test('what cannot be cut is refused', () => {
  for (const count of [0, 1.5, 101, Number.NaN]) {
    assert.throws(() => from(rows).split(count), /split takes a whole number from 1 to 100/)
  }
  const keyless = topic('keyless', { codec: json<number>() })
  const [first] = from(keyless as never as typeof rows).split(2)
  const build = (): unknown => testPipeline(first.to(topic('out')))
  assert.throws(build, (thrown) => isCode(thrown, 'invalid-plan'))
})
