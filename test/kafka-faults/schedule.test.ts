import { expect, test } from 'vitest'
import { brokerFaults, brokerKinds, processFaults, processKinds } from './schedule.ts'

function take<T>(from: Generator<T>, count: number): T[] {
  return Array.from({ length: count }, () => from.next().value as T)
}

test('a seed gives the same faults again, another seed others', () => {
  expect(take(processFaults(5), 40)).toEqual(take(processFaults(5), 40))
  expect(take(brokerFaults(5), 40)).toEqual(take(brokerFaults(5), 40))
  expect(take(processFaults(5), 40)).not.toEqual(take(processFaults(6), 40))
})

test('every kind comes in each round, to every target in the end, within its time', () => {
  const spans = { ...processKinds, ...brokerKinds }
  for (const [faults, kinds, round] of [
    [take(processFaults(3), 70), Object.keys(processKinds), 7],
    [take(brokerFaults(3), 70), Object.keys(brokerKinds), 2],
  ] as const) {
    for (let at = 0; at < faults.length; at += round) {
      const inRound = faults.slice(at, at + round).map(({ kind }) => kind)
      expect(new Set(inRound)).toEqual(new Set(kinds))
    }
    expect(new Set(faults.map(({ target }) => target))).toEqual(new Set([0, 1, 2]))
    for (const { kind, holdMs } of faults) {
      expect(holdMs).toBeGreaterThanOrEqual(spans[kind].minMs)
      expect(holdMs).toBeLessThanOrEqual(spans[kind].maxMs)
    }
  }
})
