import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Cursor } from './cursor.ts'
import { KeptTime } from './kept-time.ts'
import { StateSet } from './state/state-set.ts'
import { InputClock, Watermark } from './watermark.ts'

const spec = { outOfOrderMs: 0, idleAfterMs: 1000, idle: 'advance' as const }

function open(marks: Cursor['marks']) {
  const clock = new InputClock(spec, 0)
  const cursor = { place: { topic: 'p', partition: 0 }, clock, marks, keyClock: null }
  const state = new StateSet()
  const watermark = new Watermark([clock])
  const kept = new KeptTime(state, watermark, true)
  return { cursors: [cursor as unknown as Cursor], state, kept, clock, watermark }
}

test('event time and marks come back as they were, those of idle tasks too', () => {
  const marks = [
    { task: 0, watermarkMs: 12, idle: false },
    { task: 1, watermarkMs: 7, idle: true },
    { task: 2, watermarkMs: Number.NEGATIVE_INFINITY, idle: true },
    null,
  ]
  const before = open(marks)
  before.watermark.currentMs = 5
  before.clock.reach(6)
  before.kept.keep(before.cursors)
  const after = open(marks.map(() => null))
  after.state.restore((before.state.pack() as { bytes: Uint8Array }).bytes)
  after.kept.restore(after.cursors)
  assert.deepEqual(after.cursors[0]?.marks, marks)
  assert.deepEqual(
    [after.watermark.currentMs, after.clock.reachedMs, after.clock.idle],
    [5, 6, false],
  )
})

test('an input that had fallen idle is idle, one that was quiet goes on being so', () => {
  const before = open(null)
  before.clock.nowMs = 700
  before.kept.keep(before.cursors)
  const after = open(null)
  after.clock.nowMs = 9_000
  after.state.restore((before.state.pack() as { bytes: Uint8Array }).bytes)
  after.kept.restore(after.cursors)
  assert.deepEqual(
    [after.clock.idle, after.clock.quietMs, after.clock.idleAtMs],
    [false, 700, 9_300],
  )
  before.clock.nowMs = 5_000
  before.kept.keep(before.cursors)
  const idle = open(null)
  idle.state.restore((before.state.pack() as { bytes: Uint8Array }).bytes)
  idle.kept.restore(idle.cursors)
  assert.equal(idle.clock.idle, true)
})
