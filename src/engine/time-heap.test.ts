import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { TimeHeap } from './time-heap.ts'

test('empty: Infinity, as often as asked', () => {
  const heap = new TimeHeap()
  assert.equal(heap.least, Infinity)
  assert.equal(heap.take(), Infinity)
  assert.equal(heap.size, 0)
})

test('times come out sorted, each as often as it was added', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -20, max: 20 })), (times) => {
      const heap = new TimeHeap()
      for (const time of times) heap.add(time)
      assert.equal(heap.size, times.length)
      assert.deepEqual(
        times.map(() => heap.take()),
        times.toSorted((a, b) => a - b),
      )
      assert.equal(heap.take(), Infinity)
    }),
  )
})

test('adds and takes in any mixture give what a sorted list gives', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.double({ noNaN: true }), { freq: 2 })), (operations) => {
      const heap = new TimeHeap()
      const model: number[] = []
      for (const time of operations) {
        if (time === null) assert.equal(heap.take(), model.shift() ?? Infinity)
        else {
          heap.add(time)
          model.push(time)
          model.sort((a, b) => a - b)
        }
        assert.equal(heap.least, model[0] ?? Infinity)
        assert.equal(heap.size, model.length)
      }
    }),
  )
})
