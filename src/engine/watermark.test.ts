import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { InputClock, Watermark } from './watermark.ts'

const always = (): boolean => true
const spec = { outOfOrderMs: 0, idleAfterMs: 100, idle: 'advance' as const }

function open(count: number, idle: 'advance' | 'wait' = 'advance') {
  const inputs = Array.from({ length: count }, () => new InputClock({ ...spec, idle }, 0))
  const watermark = new Watermark(inputs)
  /** As the task does: what it could move to, it moves to. */
  const reach = (input: number, timeMs: number, nowMs: number): number => {
    watermark.active(inputs[input] as InputClock, nowMs)
    watermark.currentMs = watermark.reached(inputs[input] as InputClock, timeMs)
    return watermark.currentMs
  }
  const tick = (nowMs: number, caughtUp: (input: number) => boolean = always): number => {
    for (const [i, input] of inputs.entries()) input.caughtUp = caughtUp(i)
    watermark.currentMs = watermark.tick(nowMs)
    return watermark.currentMs
  }
  return { inputs, watermark, reach, tick }
}

test('the least of the active inputs counts; an input without a record holds it back', () => {
  const { reach } = open(2)
  assert.equal(reach(0, 500, 1), -Infinity)
  assert.equal(reach(1, 300, 2), 300)
  assert.equal(reach(1, 900, 3), 500)
  assert.equal(reach(0, 400, 4), 500) // an earlier time moves nothing back
})

test('an input is idle only after idleAfter without a record, and only when caught up', () => {
  const { reach, tick, inputs } = open(2)
  reach(0, 500, 10)
  assert.equal(tick(99), -Infinity)
  assert.equal(
    tick(100, (i) => i !== 1),
    -Infinity,
  ) // input 1 has a backlog
  assert.equal(tick(101), 500)
  assert.deepEqual(
    inputs.map((input) => input.idle),
    [false, true],
  )
})

test('an idle input with a backlog is active again before its records are at hand', () => {
  const { reach, tick } = open(2)
  reach(0, 500, 100)
  reach(1, 500, 0)
  tick(120) // input 1 is idle
  assert.equal(
    tick(130, (i) => i !== 1),
    500,
  )
  assert.equal(reach(0, 800, 131), 500)
})

test('coming back from idle holds the watermark, which never goes back', () => {
  const { reach, tick } = open(2)
  reach(0, 500, 0)
  reach(1, 100, 0)
  reach(0, 500, 90)
  assert.equal(tick(150), 500) // input 1 is idle
  assert.equal(reach(1, 200, 151), 500)
  assert.equal(reach(0, 900, 152), 500)
  assert.equal(reach(1, 700, 153), 700)
})

test('all idle: event time goes on from where it stands at the pace of the clock', () => {
  const { reach, tick } = open(2)
  reach(0, 500, 0)
  reach(1, 400, 20)
  assert.equal(tick(119), 400) // 0 is idle, 1 is not
  assert.equal(tick(120), 400)
  assert.equal(tick(121), 401)
  assert.equal(tick(1120), 1400)
  assert.equal(reach(0, 100, 1130), 1400) // active again: it stands
  assert.equal(tick(1140), 1400)
  assert.equal(tick(1230), 1400)
  assert.equal(tick(1240), 1410)
})

test('`wait`: event time stands while all are idle, also when only one of them says so', () => {
  const { reach, tick } = open(1, 'wait')
  reach(0, 500, 0)
  assert.equal(tick(100), 500)
  assert.equal(tick(100_000), 500)
})

test('inputs that fall idle in one tick leave what those with records have reached', () => {
  for (const idle of ['advance', 'wait'] as const) {
    const { reach, tick } = open(2, idle)
    reach(0, 500, 0)
    assert.equal(tick(100), 500)
    assert.equal(tick(110), idle === 'wait' ? 500 : 510)
  }
})

test('without any record event time stands nowhere, however long it takes', () => {
  const { tick, watermark } = open(2)
  assert.equal(tick(1_000_000), -Infinity)
  assert.equal(watermark.clockDueMs(1_000_000, 5000), Infinity)
})

test('the clock is due when an input falls idle, then when the next timer is reached', () => {
  const { reach, tick, watermark } = open(1)
  reach(0, 500, 7)
  assert.equal(watermark.clockDueMs(7, 1000), 107)
  assert.equal(watermark.clockDueMs(500, 1000), 501) // overdue: at once, but never in the past
  tick(107)
  assert.equal(watermark.clockDueMs(107, 1000), 107 + 500)
  assert.equal(watermark.clockDueMs(107, Infinity), Infinity)
  assert.equal(watermark.clockDueMs(107, 400), 108) // behind already: when event time moves
  assert.equal(tick(607), 1000)
  const waiting = open(1, 'wait')
  waiting.reach(0, 500, 0)
  waiting.tick(100)
  assert.equal(waiting.watermark.clockDueMs(100, 1000), Infinity)
})

test('never back, and never ahead of an active input, whatever happens', () => {
  const step = fc.record({
    input: fc.integer({ min: 0, max: 2 }),
    timeMs: fc.integer({ min: -1000, max: 1000 }),
    waitMs: fc.integer({ min: 0, max: 150 }),
    kind: fc.constantFrom('record', 'tick'),
    behind: fc.integer({ min: -1, max: 2 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { inputs, watermark, reach, tick } = open(3)
      let nowMs = 0
      for (const { input, timeMs, waitMs, kind, behind } of steps) {
        const before = watermark.currentMs
        nowMs += waitMs
        if (kind === 'record') reach(input, timeMs, nowMs)
        else tick(nowMs, (i) => i !== behind)
        assert.ok(watermark.currentMs >= before)
        if (watermark.currentMs === before) continue
        for (const each of inputs) if (!each.idle) assert.ok(watermark.currentMs <= each.reachedMs)
      }
    }),
  )
})

test('all idle, marks move event time on: the clock goes on from there', () => {
  const { inputs, watermark, tick } = open(1)
  const [input] = inputs as [InputClock]
  assert.equal(tick(100), -Infinity)
  // Two marks at once, the second one idle again; no tick in between.
  input.idle = false
  watermark.currentMs = watermark.reached(input, 50)
  input.idle = true
  assert.equal(tick(200), 50)
  assert.equal(tick(230), 80)
})

test('what fell idle first no longer counts when the rest does, however seldom one looks', () => {
  for (const looksBetween of [true, false]) {
    const { reach, tick } = open(2, 'wait')
    reach(0, 50, 10)
    reach(1, 200, 11)
    if (looksBetween) tick(110)
    assert.equal(tick(500), 200)
  }
  const { reach, tick } = open(2, 'wait')
  reach(0, 50, 10)
  reach(1, 200, 10) // both fall idle at the same moment
  assert.equal(tick(500), 50)
})

test('an input that was quiet in an earlier run goes on being so', () => {
  const { inputs, reach, tick } = open(2, 'wait')
  for (const input of inputs) input.nowMs = 1_000
  inputs[0]?.restoreQuiet(100)
  inputs[1]?.restoreQuiet(40)
  assert.deepEqual(
    inputs.map(({ idle, quietMs }) => [idle, quietMs]),
    [
      [true, 100],
      [false, 40],
    ],
  )
  assert.equal(reach(1, 300, 1_000), 300)
  assert.equal(tick(1_050), 300)
})
