import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { compareKeys } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import { KeyTimers } from './key-timers.ts'

function drain(timers: KeyTimers, untilMs = Infinity): [number, Key][] {
  const taken: [number, Key][] = []
  while (timers.size > 0 && timers.leastMs <= untilMs) {
    taken.push([timers.leastMs, timers.leastKey])
    timers.take()
  }
  return taken
}

test('entries come in order of time, then key, each as often as it was added', () => {
  const entry = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom<Key>('b', 'a', '', 1, 2n))
  const property = fc.property(fc.array(entry), fc.integer({ min: -3, max: 3 }), (all, cut) => {
    const timers = new KeyTimers()
    const order = ([t, k]: [number, Key], [u, l]: [number, Key]): number =>
      t - u || compareKeys(k, l)
    for (const [timeMs, key] of all) timers.add(timeMs, key)
    const sorted = all.toSorted(order)
    assert.deepEqual(
      drain(timers, cut),
      sorted.filter(([timeMs]) => timeMs <= cut),
    )
    for (const [timeMs, key] of all) timers.add(timeMs, key)
    const left = [...all, ...all.filter(([timeMs]) => timeMs > cut)].toSorted(order)
    assert.deepEqual(drain(timers), left)
  })
  fc.assert(property)
})

test('empty: nothing is due, taking is harmless', () => {
  const timers = new KeyTimers()
  timers.take()
  assert.equal(timers.leastMs, Infinity)
  timers.add(5, 'a')
  timers.take()
  assert.deepEqual([timers.leastMs, timers.size], [Infinity, 0])
})
