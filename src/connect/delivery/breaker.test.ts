import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { seededRandom } from '../../core/random.ts'
import { Breaker } from './breaker.ts'

function breaker(breakAfter = 3): { clock: VirtualClock; it: Breaker } {
  const clock = new VirtualClock()
  return { clock, it: new Breaker({ clock, random: seededRandom(1), breakAfter }) }
}

test('D5 one record that fails again and again does not open it', () => {
  const { it } = breaker()
  for (let i = 0; i < 20; i++) assert.equal(it.failed('bad', 'failed', it.started()), 'counts')
  assert.equal(it.state, 'closed')
})

test('D5 several that fail in a row open it; a success between begins anew', () => {
  const { it } = breaker()
  it.failed('a', 'failed', it.started())
  it.failed('b', 'failed', it.started())
  it.started()
  it.succeeded()
  it.failed('a', 'failed', it.started())
  it.failed('b', 'failed', it.started())
  assert.equal(it.state, 'closed')
  it.failed('c', 'failed', it.started())
  assert.equal(it.state, 'open')
  assert.ok(it.waitMs > 0)
})

test('D5 away opens it at once, and costs no try; so does a probe that fails', () => {
  const { it, clock } = breaker()
  assert.equal(it.failed('a', 'unavailable', it.started()), 'does not count')
  const waits: number[] = []
  for (let i = 0; i < 12; i++) {
    waits.push(it.waitMs)
    clock.advance(it.waitMs)
    assert.equal(it.waitMs, 0)
    const tried = it.started()
    assert.equal(tried, 'probe')
    assert.equal(it.waitMs, Number.POSITIVE_INFINITY) // one at a time
    assert.equal(it.failed('a', 'failed', tried), 'does not count')
  }
  assert.ok((waits[0] ?? 0) <= 500, String(waits))
  assert.ok((waits.at(-1) ?? 0) > 30_000 && Math.max(...waits) <= 60_000, String(waits))
})

test('D5 tries under way when it opens say nothing new', () => {
  const { it } = breaker()
  const tries = [it.started(), it.started(), it.started()]
  it.failed('a', 'unavailable', tries[0] ?? 'plain')
  const { waitMs } = it
  assert.equal(it.failed('b', 'failed', tries[1] ?? 'plain'), 'does not count')
  assert.equal(it.failed('c', 'unavailable', tries[2] ?? 'plain'), 'does not count')
  assert.equal(it.waitMs, waitMs)
})

test('D5 a refusal says that the destination is there', () => {
  const { it, clock } = breaker()
  it.failed('a', 'unavailable', it.started())
  clock.advance(it.waitMs)
  assert.equal(it.failed('a', 'refused', it.started()), 'counts')
  assert.equal(it.state, 'closed')
})

test('a probe that was dropped lets the next one go', () => {
  const { it, clock } = breaker()
  it.failed('a', 'unavailable', it.started())
  clock.advance(it.waitMs)
  it.dropped(it.started())
  assert.equal(it.waitMs, 0)
})
