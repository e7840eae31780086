import { expect, test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { Pace } from './pace.ts'

test('spreads records evenly', () => {
  const clock = new VirtualClock()
  const pace = new Pace(100, clock) // every 10 ms
  const sentAt: number[] = []
  for (let i = 0; i < 5; i++) {
    clock.advance(pace.take())
    sentAt.push(clock.now())
  }
  expect(sentAt).toEqual([0, 10, 20, 30, 40])
})

test('after a pause of the input it makes up for 50 ms, not for all of it', () => {
  const clock = new VirtualClock()
  const pace = new Pace(100, clock)
  pace.take()
  clock.advance(10_000)
  const waits = Array.from({ length: 8 }, () => pace.take())
  expect(waits).toEqual([0, 0, 0, 0, 0, 0, 10, 20])
})
