import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import { absent, Journal, Store } from './store.ts'

const plain = { toState: (value: unknown) => value, fromState: (state: unknown) => state }

function open(): { journal: Journal; store: Store } {
  const journal = new Journal()
  return { journal, store: new Store({ name: 's', ...plain }, journal) }
}

test('keys are told apart as keys are: by type, arrays by content', () => {
  const { store } = open()
  const keys: Key[] = ['1', 1, 1n, true, ['1'], [1], '', '\0', Number.NaN, ['a', 'b'], ['a,b']]
  for (const [i, key] of keys.entries()) store.set(key, i)
  for (const [i, key] of keys.entries()) assert.equal(store.get(key), i)
  assert.equal(store.get(-0), undefined)
  store.set(0, 'zero')
  assert.equal(store.get(-0), 'zero')
})

test('namespaces do not see each other; one dropped is empty when made again', () => {
  const { store } = open()
  store.set('k', 'a', 10)
  store.set('k', 'b', -10)
  assert.deepEqual([store.get('k', 10), store.get('k', -10), store.get('k')], ['a', 'b', undefined])
  const old = store.namespace(10)
  store.drop(10)
  store.drop(10)
  assert.equal(store.get('k', 10), undefined)
  assert.throws(
    () => store.make(old, 'x', 1),
    (thrown) => isCode(thrown, 'assertion-failed'),
  )
  store.set('k', 'c', 10)
  assert.equal(store.get('k', 10), 'c')
})

test('an undefined value is a value; a deleted key is none', () => {
  const { store } = open()
  store.set('k', undefined)
  const entry = store.find(store.namespace(0), 'k')
  assert.equal(entry?.value, undefined)
  store.delete('k')
  store.delete('never there')
  assert.equal(entry?.value, absent)
})

for (const [title, act, before] of [
  ['create', (s: Store) => s.set('k', 1), undefined],
  ['change', (s: Store) => s.set('k', 1), 0],
  ['delete', (s: Store) => s.delete('k'), 0],
  ['delete of nothing', (s: Store) => s.delete('k'), undefined],
  ['change twice', (s: Store) => [s.set('k', 1), s.set('k', 2)], 0],
  ['delete then create', (s: Store) => [s.delete('k'), s.set('k', 1)], 0],
  ['create then delete', (s: Store) => [s.set('k', 1), s.delete('k')], undefined],
  [
    'create, delete, create',
    (s: Store) => [s.set('k', 1), s.delete('k'), s.set('k', 2)],
    undefined,
  ],
] as const) {
  test(`O4 undo of ${title} puts back what was there`, () => {
    const { journal, store } = open()
    if (before !== undefined) store.set('k', before)
    store.set('other', 'stays')
    journal.begin()
    act(store)
    journal.undo()
    journal.undo()
    assert.equal(store.get('k'), before)
    assert.equal(store.get('other'), 'stays')
    journal.begin()
    act(store) // and it can be done again
  })
}

test('a write marks its entry for the next commit once', () => {
  const { journal, store } = open()
  store.set('k', 1)
  store.set('k', 2)
  store.delete('k')
  assert.equal(store.dirty.length, 1)
  store.dirty = []
  journal.commitNumber += 1
  store.set('k', 3)
  assert.equal(store.dirty.length, 1)
})

test('O4 random records, undone or not, leave what those that stand have written', () => {
  const write = fc.record({
    key: fc.constantFrom('a', 'b', 1, true),
    namespace: fc.constantFrom(0, 10),
    value: fc.option(fc.integer()),
  })
  const record = fc.record({ writes: fc.array(write, { maxLength: 5 }), stands: fc.boolean() })
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const { journal, store } = open()
      const model = new Map<string, number>()
      for (const { writes, stands } of records) {
        journal.begin()
        for (const { key, namespace, value } of writes) {
          const place = `${namespace} ${typeof key} ${key}`
          if (value === null) store.delete(key, namespace)
          else store.set(key, value, namespace)
          if (!stands) continue
          if (value === null) model.delete(place)
          else model.set(place, value)
        }
        if (!stands) journal.undo()
      }
      for (const namespace of [0, 10]) {
        for (const key of ['a', 'b', 1, true]) {
          assert.equal(store.get(key, namespace), model.get(`${namespace} ${typeof key} ${key}`))
        }
      }
    }),
  )
})
