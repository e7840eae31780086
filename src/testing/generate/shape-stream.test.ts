import fc from 'fast-check'
import { expect, test } from 'vitest'
import { disorder, duplicate, gaps, late } from './shape-stream.ts'

interface Item {
  readonly time: number
  readonly id: number
}
/** Rising times. */
const streams = fc.array(fc.nat({ max: 20 }), { maxLength: 80, size: 'max' }).map((steps) => {
  let time = 0
  return steps.map((step, id): Item => {
    time += step
    return { time, id }
  })
})
const seeds = fc.nat()
const byMs = fc.integer({ min: 1, max: 60 })
const ids = (items: readonly Item[]): number[] =>
  items.map(({ id }) => id).toSorted((a, b) => a - b)

/** How far each item is behind the largest time before it. */
function delays(items: readonly Item[]): number[] {
  let largest = Number.NEGATIVE_INFINITY
  return items.map(({ time }) => {
    const delay = Math.max(0, largest - time)
    largest = Math.max(largest, time)
    return delay
  })
}

test('disorder: all arrive, none more than the bound behind another, and some out of order', () => {
  let disordered = 0
  fc.assert(
    fc.property(streams, byMs, seeds, (stream, by, seed) => {
      const arrived = disorder(stream, `${by}ms`, { seed })
      expect(ids(arrived)).toEqual(ids(stream))
      expect(Math.max(0, ...delays(arrived))).toBeLessThanOrEqual(by)
      expect(disorder(stream, `${by}ms`, { seed })).toEqual(arrived)
      if (delays(arrived).some((delay) => delay > 0)) disordered += 1
    }),
  )
  expect(disordered).toBeGreaterThan(30)
  const shuffled = [
    { time: 50, id: 1 },
    { time: 10, id: 0 },
  ]
  expect(disorder(shuffled, '10ms')).toEqual(shuffled.toReversed())
})

test('late: what moves is behind the bound, the rest is as it was', () => {
  let moved = 0
  fc.assert(
    fc.property(streams, byMs, seeds, (stream, by, seed) => {
      const arrived = late(stream, `${by}ms`, { seed, share: 0.3 })
      expect(ids(arrived)).toEqual(ids(stream))
      const delayed = delays(arrived).flatMap((delay) => (delay > 0 ? [delay] : []))
      expect(delayed.every((delay) => delay > by)).toBe(true)
      moved += delayed.length
      expect(late(stream, `${by}ms`, { seed, share: 0.3 })).toEqual(arrived)
    }),
  )
  expect(moved).toBeGreaterThan(100)
})

test('duplicate: a share comes twice, the copy at once or up to `after` later', () => {
  fc.assert(
    fc.property(streams, seeds, (stream, seed) => {
      const twice = duplicate(stream, { seed, share: 0.5 })
      expect([...new Set(twice)]).toEqual(stream)
      const copies = twice.filter((item, i) => item === twice[i - 1])
      expect(copies).toHaveLength(twice.length - stream.length)
      const later = duplicate(stream, { seed, share: 0.5, after: '40ms' })
      expect(later).toHaveLength(twice.length)
      expect(ids([...new Set(later)])).toEqual(ids(stream))
      // The watermark of an item that a copy follows is at most one step further than `after`.
      expect(Math.max(0, ...delays(later))).toBeLessThanOrEqual(40 + 20)
    }),
  )
  expect(duplicate(['a', 'b', 'c', 'd'], { share: 0.5, seed: 2 }).length).toBeGreaterThan(4)
})

test('gaps: what lies in a silence is gone, the rest is as it was', () => {
  const stream = Array.from({ length: 1000 }, (_, id) => ({ time: id * 10, id }))
  const left = gaps(stream, '1s', { count: 2, seed: 3 })
  const steps = left.map(({ time }, i) => time - (left[i - 1]?.time ?? time - 10))
  const silences = steps.filter((step) => step > 10)
  expect(silences).toEqual([1010, 1010])
  expect(left).toHaveLength(800)
  expect(gaps(stream, '1s', { seed: 4 })).not.toEqual(gaps(stream, '1s', { seed: 5 }))
  expect(gaps([], '1s')).toEqual([])
})

test('times come from an option, or are missing', () => {
  const stream = ['b20', 'a10']
  const time = (text: string): Date => new Date(Number(text.slice(1)))
  expect(disorder(stream, '0ms', { time })).toEqual(['a10', 'b20'])
  const fault = { code: 'invalid-argument' }
  expect(() => disorder(stream, '5ms')).toThrow(expect.objectContaining(fault) as Error)
  expect(() => duplicate(stream, { share: 2 })).toThrow(expect.objectContaining(fault) as Error)
})
