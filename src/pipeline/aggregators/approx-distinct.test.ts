import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashOfKey } from '../../core/hash.ts'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { folded, resultOf, stored } from './aggregator.conformance.ts'
import { approxDistinct } from './approx-distinct.ts'

type Any = AggregatorOf<unknown, unknown>

const of = (precision: number): Any => approxDistinct((value) => value as Key, { precision }) as Any

describe('the stated standard error', () => {
  test.each([
    [14, [2049, 5000, 20_000, 100_000, 300_000], 2],
    [10, [129, 500, 3000, 50_000], 12],
    [8, [33, 100, 1000, 20_000], 30],
  ] as const)('precision %i', (precision, sizes, trials) => {
    const subject = of(precision)
    const sigma = 1.04 / Math.sqrt(2 ** precision)
    for (const size of sizes) {
      let squares = 0
      let sum = 0
      for (let trial = 0; trial < trials; trial++) {
        let sketch = subject.init()
        for (let i = 0; i < size; i++) sketch = subject.add(sketch, hashOfKey(`${trial}/${i}`))
        const error = (subject.result(sketch) as number) / size - 1
        expect(Math.abs(error)).toBeLessThan(4 * sigma + 1 / size)
        squares += error * error
        sum += error
      }
      // As a whole, too: neither too wide nor to one side.
      const width = Math.sqrt(squares / trials)
      expect(width).toBeLessThan(sigma * (trials > 2 ? 1.6 : 3))
      expect(Math.abs(sum / trials)).toBeLessThan((4 * sigma) / Math.sqrt(trials))
    }
  })
})

describe('exact up to 2^precision / 8', () => {
  test.each([8, 10, 14])('precision %i', (precision) => {
    const limit = 2 ** precision / 8
    const keys = Array.from({ length: limit }, (_, i) => `key ${i}`)
    const subject = of(precision)
    const full = folded(subject, [...keys, ...keys])
    expect(subject.result(full)).toBe(limit)
    expect(subject.result(stored(subject, full))).toBe(limit)
    expect(bytesOf(subject, full)).toBe(2 ** precision)
    const more = folded(subject, ['one more'], full)
    expect(bytesOf(subject, more)).toBe(2 ** precision)
    // The one before is still of hashes.
    expect(subject.result(full)).toBe(limit)
  })
})

test('order, repetition, undo, restore and merge change nothing', () => {
  const values = fc.array(fc.nat({ max: 200 }), { maxLength: 120, size: 'max' })
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 9 }), values, values, (precision, some, more) => {
      const subject = of(precision)
      const all = folded(
        subject,
        [...new Set([...some, ...more])].toSorted((a, b) => (a < b ? -1 : 1)),
      )
      const wanted = [subject.result(all), registersOf(subject, all)]
      const first = folded(subject, some)
      const before = [subject.result(first), registersOf(subject, first)]
      const second = stored(subject, folded(subject, more))
      const merged = subject.merge?.(first, second)
      expect([subject.result(merged), registersOf(subject, merged)]).toStrictEqual(wanted)
      const straight = folded(subject, [...more, ...some], stored(subject, first))
      expect([subject.result(straight), registersOf(subject, straight)]).toStrictEqual(wanted)
      folded(subject, more, merged)
      folded(subject, more, first)
      expect([subject.result(first), registersOf(subject, first)]).toStrictEqual(before)
    }),
    { numRuns: 300 },
  )
})

function bytesOf(subject: Any, sketch: unknown): number {
  const state = subject.state?.toState(sketch)
  return ArrayBuffer.isView(state) ? state.byteLength : Number.NaN
}

/** The state, in an order of its own where it is of hashes. */
function registersOf(subject: Any, sketch: unknown): number[] {
  const state = subject.state?.toState(sketch) as Float64Array | Uint8Array
  return state instanceof Uint8Array ? [...state] : [...state].toSorted((a, b) => a - b)
}

test('null and undefined are not counted', () => {
  expect(resultOf(of(14), [null, undefined, null])).toBe(0)
  expect(resultOf(of(14), [null, 'a', undefined, 'a', 1, '1', -0, 0])).toBe(4)
})
