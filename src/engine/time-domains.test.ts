import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Asynchronous, Stateful } from './operators/operator.ts'
import { TimeDomains } from './time-domains.ts'

function probe(dueMs: number): { operator: Stateful; calls: number[] } {
  const calls: number[] = []
  let due = dueMs
  const operator: Stateful = {
    onRestored: () => {},
    onWatermark: (watermarkMs) => {
      calls.push(watermarkMs)
      if (watermarkMs >= due) due = Number.POSITIVE_INFINITY
    },
    watermarkDueMs: () => due,
    onClock: () => {},
    clockDueMs: () => Number.POSITIVE_INFINITY,
    onStop: () => {},
  }
  return { operator, calls }
}

const ignore = (): void => {}

test('a domain behind a delay lags by it; what meets two of them sees the least', () => {
  const domains = new TimeDomains()
  const delayed = domains.behind([domains.root], 30)
  const both = domains.behind([domains.root, delayed], 0)
  const { operator, calls } = probe(50)
  both.stateful.push(operator)
  assert.equal(domains.dueMs(), 80) // in the task's event time
  domains.advance(79, ignore)
  assert.deepEqual([delayed.watermarkMs, both.watermarkMs, calls], [49, 49, []])
  domains.advance(80, ignore)
  assert.deepEqual([domains.root.watermarkMs, both.watermarkMs, calls], [80, 50, [50]])
})

test('event time behind an asynchronous step waits for what is under way', () => {
  const domains = new TimeDomains()
  const behind = domains.behind([domains.root], 0)
  let holdMs = 10
  behind.asynchronous = { holdMs: () => holdMs } as Asynchronous
  domains.advance(100, ignore)
  assert.equal(behind.watermarkMs, 10)
  holdMs = 5 // never back
  domains.advance(120, ignore)
  assert.equal(behind.watermarkMs, 10)
  holdMs = Number.POSITIVE_INFINITY
  domains.advance(120, ignore)
  assert.equal(behind.watermarkMs, 120)
})

test('restored from a commit, every domain stands where it stood', () => {
  const domains = new TimeDomains()
  const delayed = domains.behind([domains.root], 30)
  const further = domains.behind([delayed], 5)
  domains.restore(100)
  assert.deepEqual(
    [domains.root.watermarkMs, delayed.watermarkMs, further.watermarkMs],
    [100, 70, 65],
  )
})
