import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { KeyMap } from './key-map.ts'
import type { StateKey } from './key-map.ts'

test('entries are found, counted and removed before and after the split', () => {
  const map = new KeyMap<string>(4)
  for (let i = 0; i < 20; i++) map.add(i % 2 === 0 ? i : `k${i}`, `v${i}`)
  assert.equal(map.size, 20)
  for (let i = 0; i < 20; i++) assert.equal(map.get(i % 2 === 0 ? i : `k${i}`), `v${i}`)
  assert.equal(map.get('0'), undefined) // the text is not the number
  map.remove(0)
  map.remove('never there')
  assert.equal(map.size, 19)
  assert.equal(map.get(0), undefined)
  assert.deepEqual([...map.values()].length, 19)
})

test('random adds and removes around a small split size lose and double nothing', () => {
  const key = fc.oneof(fc.string(), fc.integer(), fc.double())
  const operation = fc.record({ key, kind: fc.constantFrom('add', 'add', 'remove') })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(operation), (shardAt, operations) => {
      const map = new KeyMap<{ of: StateKey }>(shardAt)
      const model = new Map<StateKey, { of: StateKey }>()
      for (const { key: of, kind } of operations) {
        const entry = { of }
        if (kind === 'remove') {
          map.remove(of)
          model.delete(of)
        } else if (!model.has(of)) {
          map.add(of, entry)
          model.set(of, entry)
        }
      }
      assert.equal(map.size, model.size)
      for (const [of, entry] of model) assert.equal(map.get(of), entry)
      const listed = [...map.values()]
      assert.deepEqual(new Set(listed), new Set(model.values()))
      assert.equal(listed.length, model.size)
    }),
  )
})

test('iteration during change gives every entry that stays, also over a split', () => {
  for (const shardAt of [3, 8, 1000]) {
    const map = new KeyMap<number>(shardAt)
    for (let i = 0; i < 8; i++) map.add(i, i)
    const seen = new Set<number>()
    let at = 8
    for (const value of map.values()) {
      seen.add(value)
      if (at < 16) {
        map.add(at, at)
        at += 1
      }
      if (value === 2) map.remove(1) // given already
      if (value === 3) map.remove(7) // not given yet, or later in another shard
    }
    for (const stays of [0, 2, 3, 4, 5, 6]) assert.ok(seen.has(stays), `${stays} at ${shardAt}`)
  }
})
