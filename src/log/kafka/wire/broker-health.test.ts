import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { BrokerHealth } from './broker-health.ts'

function healthAt(random = 0): { health: BrokerHealth; clock: VirtualClock; told: string[] } {
  const clock = new VirtualClock(1_000)
  const told: string[] = []
  const health = new BrokerHealth({
    clock,
    random: { next: () => random, int: () => 0 },
    onAnswer: () => {},
    onAway: ({ sinceMs, reason }) => told.push(`away ${sinceMs} ${reason}`),
    onBack: (awayMs) => told.push(`back after ${awayMs}`),
  })
  return { health, clock, told }
}

test('pauses double from 50 ms to 1 s, and an answer ends them', () => {
  const { health, clock } = healthAt()
  const pauses: number[] = []
  for (let i = 0; i < 7; i++) {
    health.failed('gone')
    pauses.push(health.pauseMs())
    clock.advance(health.pauseMs())
  }
  assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1_000, 1_000])
  health.failed('gone')
  health.answered()
  assert.equal(health.pauseMs(), 0)
  health.failed('gone')
  assert.equal(health.pauseMs(), 50)
})

test('chance takes up to a fifth off a pause', () => {
  const { health } = healthAt(0.5)
  health.failed('gone')
  assert.equal(health.pauseMs(), 45)
})

test('connections that are lost together are one failure', () => {
  const { health, clock } = healthAt()
  for (let i = 0; i < 6; i++) health.failed('gone')
  assert.equal(health.pauseMs(), 50)
  clock.advance(50)
  health.failed('gone')
  assert.equal(health.pauseMs(), 100)
})

test('each change is told once', () => {
  const { health, clock, told } = healthAt()
  health.answered()
  health.failed('lost')
  clock.advance(60)
  health.failed('refused')
  assert.deepEqual(health.away, { sinceMs: 1_000, reason: 'refused' })
  clock.advance(40)
  health.answered()
  health.answered()
  assert.equal(health.away, null)
  assert.deepEqual(told, ['away 1000 lost', 'back after 100'])
})
