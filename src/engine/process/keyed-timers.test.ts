import assert from 'node:assert/strict'
import { test } from 'vitest'
import { StateSet } from '../state/state-set.ts'
import { fromTimerState, KeyedTimers, toTimerState } from './keyed-timers.ts'

function open() {
  const state = new StateSet()
  const store = state.store({ name: 't', toState: toTimerState, fromState: fromTimerState })
  return { state, timers: new KeyedTimers(store, [0, 1]) }
}

test('a timer that is put off again and again stays one', () => {
  const { timers } = open()
  for (let timeMs = 10; timeMs <= 1000; timeMs++) {
    timers.set({ key: 'a', name: '', timeMs, setMs: 0 })
    timers.set({ key: 'a', name: 'n', timeMs: timeMs + 1, setMs: 0 })
  }
  assert.equal(timers.dueMs, 10) // where it stood first
  assert.equal(timers.nextMs(), 1000)
  assert.equal(timers.dueMs, 1000)
  assert.deepEqual(timers.take(), { key: 'a', name: '', timeMs: 1000, setMs: 0 })
  assert.equal(timers.nextMs(), 1001)
  timers.take()
  assert.equal(timers.dueMs, Infinity)
})

test('moved to an earlier time and undone, it is where it was', () => {
  const { state, timers } = open()
  timers.set({ key: 1, name: '', timeMs: 50, setMs: 0 })
  state.journal.begin()
  timers.set({ key: 1, name: '', timeMs: 20, setMs: 0 })
  state.journal.undo()
  assert.equal(timers.nextMs(), 50)
  state.journal.begin()
  timers.cancel(1, '')
  state.journal.undo()
  assert.equal(timers.get(1, ''), 50)
  assert.equal(timers.nextMs(), 50)
  timers.cancel(1, '')
  assert.equal(timers.nextMs(), Infinity)
})

test('keys and names that read alike are different timers', () => {
  const { timers } = open()
  const set = [
    { key: '1', name: 'a' },
    { key: 1, name: 'a' },
    { key: 'a1', name: '1' },
    { key: '1', name: 'a1' },
    { key: ['1', 'a'], name: 'a' },
  ] as const
  for (const [i, { key, name }] of set.entries()) timers.set({ key, name, timeMs: i, setMs: 0 })
  for (const [i, { key, name }] of set.entries()) assert.equal(timers.get(key, name), i)
})
