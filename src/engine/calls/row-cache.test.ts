import assert from 'node:assert/strict'
import { test } from 'vitest'
import { RowCache } from './row-cache.ts'

test('rows are used until their time is up; a missing one has a time of its own', () => {
  const cache = new RowCache({ entriesMax: 10, ttlMs: 100, missTtlMs: 20 })
  cache.set('row', { n: 1 }, 0)
  cache.set('miss', null, 0)
  assert.deepEqual([cache.get('row', 19), cache.get('miss', 19)], [{ n: 1 }, null])
  assert.equal(cache.get('miss', 20), undefined)
  assert.deepEqual(cache.get('row', 99), { n: 1 })
  assert.equal(cache.get('row', 100), undefined)
  assert.equal(cache.size, 0)
})

test('the rows used last are kept', () => {
  const cache = new RowCache({ entriesMax: 2, ttlMs: 100, missTtlMs: 100 })
  cache.set('a', 1, 0)
  cache.set('b', 2, 0)
  cache.get('a', 1)
  cache.set('c', 3, 1)
  assert.deepEqual([cache.get('a', 1), cache.get('b', 1), cache.get('c', 1)], [1, undefined, 3])
})

test('none at all, and none for keys without a row', () => {
  const none = new RowCache({ entriesMax: 0, ttlMs: 100, missTtlMs: 100 })
  none.set('a', 1, 0)
  const noMisses = new RowCache({ entriesMax: 5, ttlMs: 100, missTtlMs: 0 })
  noMisses.set('a', null, 0)
  assert.deepEqual([none.get('a', 0), noMisses.get('a', 0)], [undefined, undefined])
})
