import assert from 'node:assert/strict'
import { test } from 'vitest'
import { StateSet } from '../state/state-set.ts'
import { unchanged } from '../state/unchanged.ts'
import { Collections, fromSizeState, toSizeState } from './collections.ts'
import { InHand } from './in-hand.ts'
import { fromChunkState, ListHandle, toChunkState } from './list-handle.ts'
import { MapHandle } from './map-handle.ts'

function open() {
  const state = new StateSet()
  const sizes = state.store({ name: 'sizes', toState: toSizeState, fromState: fromSizeState })
  const hand = new InHand()
  hand.begin('key', 0, 0)
  const of = (name: string, toState = unchanged, fromState = unchanged): Collections =>
    new Collections(state.store({ name, toState, fromState }), sizes)
  return { state, hand, of }
}

test('what is emptied leaves nothing behind between records', () => {
  const { state, hand, of } = open()
  const collections = of('entries')
  const map = new MapHandle(collections, hand)
  for (let i = 0; i < 50; i++) {
    map.set('a', i)
    map.delete('a')
    map.set('b', i)
    map.clear()
    state.journal.begin()
  }
  assert.equal(collections.elements.namespaces.size, 100)
  assert.equal(collections.hasEmptied, true)
  collections.freeEmptied()
  assert.equal(collections.elements.namespaces.size, 0)
  assert.equal(collections.hasEmptied, false)
})

test('what an undone record emptied stays, also where its number was given meanwhile', () => {
  const { state, hand, of } = open()
  const collections = of('entries')
  const map = new MapHandle(collections, hand)
  map.set('a', 1)
  state.journal.begin()
  map.clear()
  state.journal.undo()
  hand.begin('other', 0, 0)
  map.set('x', 1) // a number that is undone
  map.clear()
  state.journal.undo()
  hand.begin('third', 0, 0)
  map.set('y', 2)
  state.journal.begin()
  collections.freeEmptied()
  assert.deepEqual(map.entries(), [['y', 2]])
  hand.begin('key', 0, 0)
  assert.deepEqual(map.entries(), [['a', 1]])
})

test('a commit writes the pieces of a list that changed, not the list', () => {
  const { state, hand, of } = open()
  const list = new ListHandle(of('chunks', toChunkState, fromChunkState), hand)
  for (let i = 0; i < 100_000; i++) list.push(i)
  while (state.pack()?.endsRound !== true); // what the rolling snapshot writes besides
  list.push(-1)
  const bytes = state.pack()?.bytes.length ?? Infinity
  assert.equal(list.at(-1), -1)
  // A slice of the rolling snapshot is part of it; the whole list would be 300 kB.
  assert.ok(bytes < 60_000, `${bytes} bytes`)
})

test('a list goes on where a record was undone', () => {
  const { state, hand, of } = open()
  const list = new ListHandle(of('chunks', toChunkState, fromChunkState), hand)
  list.push(1)
  state.journal.begin()
  list.push(2)
  list.push(3)
  state.journal.undo()
  list.push(4)
  assert.deepEqual(
    [list.toArray(), list.at(1), list.at(2), list.at(-3)],
    [[1, 4], 4, undefined, undefined],
  )
  list.replace(list)
  assert.deepEqual([...list], [1, 4])
})
