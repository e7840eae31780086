import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Version, bodyOf, withSlot } from './version.ts'

class Slots {
  readonly values = [0, 0, 0]

  swap(at: number, value: number): number {
    const before = this.values[at] as number
    this.values[at] = value
    return before
  }
}

test('every version stays what it was, in whatever order they are made and read', () => {
  const step = fc.record({ from: fc.nat(), slot: fc.nat({ max: 2 }), value: fc.nat({ max: 5 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(fc.nat()), (steps, reads) => {
      const versions = [{ version: new Version<Slots, number, number>(new Slots()), is: [0, 0, 0] }]
      for (const { from, slot, value } of steps) {
        const { version, is } = versions[from % versions.length] as (typeof versions)[number]
        versions.push({ version: withSlot(version, slot, value), is: is.with(slot, value) })
      }
      for (const read of [...reads, ...versions.keys()]) {
        const { version, is } = versions[read % versions.length] as (typeof versions)[number]
        expect(bodyOf(version).values).toStrictEqual(is)
      }
    }),
    { numRuns: 300 },
  )
})

test('the newest knows nothing of those before it: they are garbage', () => {
  const first = new Version<Slots, number, number>(new Slots())
  const second = withSlot(first, 0, 1)
  expect(second.newer).toBeNull()
  expect(first.newer).toBe(second)
  // Undone, it is the other way round.
  expect(bodyOf(first).values).toStrictEqual([0, 0, 0])
  expect(first.newer).toBeNull()
})

test('a long way back is walked, not recursed', () => {
  const first = new Version<Slots, number, number>(new Slots())
  let last = first
  for (let i = 1; i <= 200_000; i++) last = withSlot(last, i % 3, i)
  expect(bodyOf(first).values).toStrictEqual([0, 0, 0])
  expect(bodyOf(last).values).toStrictEqual(
    [199_998, 199_999, 200_000].toSorted((a, b) => (a % 3) - (b % 3)),
  )
})
