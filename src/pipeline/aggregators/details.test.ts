import { describe, expect, test } from 'vitest'
import type { Key } from '../../core/key.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { folded, resultOf, stored } from './aggregator.conformance.ts'
import { argMax, argMin } from './arg-extreme.ts'
import { collect } from './collect.ts'
import { distinct } from './distinct.ts'
import { ewma } from './ewma.ts'
import { max, min } from './extreme.ts'
import { first, last } from './first-last.ts'
import { histogram } from './histogram.ts'
import { aggregator } from './own.ts'
import { mean, sum } from './sum.ts'
import { topK } from './top-k.ts'
import { stddev, variance } from './variance.ts'

type Any = AggregatorOf<unknown, unknown>

const itself = (value: unknown): unknown => value
const asNumber = itself as () => number
const asKey = itself as () => Key
const retracting = (subject: Any): Any => subject.retracting as Any

function takenBack(subject: Any, values: readonly unknown[], gone: readonly unknown[]): unknown {
  const all = folded(subject, values)
  return gone.reduce((kept, value) => subject.retract?.(kept, subject.extract(value)), all)
}

describe('min, max, argMin, argMax', () => {
  test('of equal values the first is kept', () => {
    const [a, b] = [new Date(5), new Date(5)]
    expect(resultOf(min(itself as () => Date), [a, b])).toBe(a)
    expect(resultOf(max(itself as () => Date), [a, b])).toBe(a)
    const [one, two] = [{ n: 1 }, { n: 1 }]
    for (const make of [argMin, argMax]) {
      const subject = make((value: { n: number }) => value.n) as Any
      expect(resultOf(subject, [one, two])).toBe(one)
      const [earlier, later] = [folded(subject, [one]), folded(subject, [two])]
      expect(subject.result(subject.merge?.(earlier, later))).toBe(one)
      expect(resultOf(retracting(subject), [one, two])).toBe(one)
    }
  })

  test('values of several types have an order: numbers, Dates, strings', () => {
    const values = ['a', new Date(0), 7, -3n, '']
    for (const shuffled of [values, values.toReversed()]) {
      for (const find of [(subject: Any) => subject, retracting]) {
        expect(resultOf(find(min(asNumber)), shuffled)).toBe(-3n)
        expect(resultOf(find(max(asNumber)), shuffled)).toBe('a')
        expect(resultOf(find(argMax(asNumber)), shuffled)).toBe('a')
      }
    }
  })

  test('equal ones that are not the same leave one by one', () => {
    const subject = retracting(min(asNumber))
    for (const [gone, stays] of [
      [-0, 0],
      [0, -0],
      [1, 1n],
      [1n, 1],
    ]) {
      const rest = takenBack(subject, [gone, stays, stays], [gone, stays])
      expect(subject.result(rest)).toBe(stays)
    }
  })

  test('what argMin gives may be nothing', () => {
    const subject = argMin(asNumber, () => undefined) as Any
    expect(resultOf(subject, [1])).toBeUndefined()
    expect(resultOf(argMin(asNumber, () => null) as Any, [2, 1])).toBeNull()
  })

  test('an instance of a class is found again as the plain data a restore makes of it', () => {
    class Offer {
      readonly price: number
      constructor(price: number) {
        this.price = price
      }
    }
    const subject = retracting(argMin((offer: Offer) => offer.price) as Any)
    const kept = stored(subject, folded(subject, [new Offer(1), new Offer(2)]))
    const rest = subject.retract?.(kept, subject.extract(new Offer(1)))
    expect(subject.result(rest)).toStrictEqual({ price: 2 })
  })
})

describe('sum, mean, variance', () => {
  test('what is taken back takes all of itself along', () => {
    const large = [1e16, 1, 0.1, -1e300]
    const left = takenBack(retracting(sum(asNumber)), large, [1e16, -1e300])
    expect(retracting(sum(asNumber)).result(left)).toBe(1.1)
    const rest = takenBack(retracting(mean(asNumber)), large, [-1e300, 1e16, 0.1])
    expect(retracting(mean(asNumber)).result(rest)).toBe(1)
    const spread = retracting(variance(asNumber))
    const near = takenBack(spread, [1e9, 0.1, 0.2, 0.3, -1e12], [-1e12, 1e9])
    expect(spread.result(near)).toBeCloseTo(0.01, 15)
  })

  test('values that are large and close together have their true variance', () => {
    const values = [4, 7, 13, 16].map((n) => n + 1e9)
    for (const find of [(subject: Any) => subject, retracting]) {
      expect(resultOf(find(variance(asNumber)), values)).toBe(30)
      expect(resultOf(find(variance(asNumber, { population: true })), values)).toBe(22.5)
      expect(resultOf(find(stddev(asNumber)), values)).toBe(Math.sqrt(30))
    }
  })

  test('one value has no sample variance; equal ones have none at all', () => {
    for (const find of [(subject: Any) => subject, retracting]) {
      expect(resultOf(find(variance(asNumber)), [5])).toBe(Number.NaN)
      expect(resultOf(find(stddev(asNumber)), [5])).toBe(Number.NaN)
      expect(resultOf(find(variance(asNumber, { population: true })), [5])).toBe(0)
      expect(resultOf(find(stddev(asNumber)), [0.1, 0.1, 0.1])).toBe(0)
    }
  })

  test('one value is left, so small that its square has no digits', () => {
    const [gone, stays] = [-1.5274681817498023e-151, -2.1993380329758177e-152]
    for (const [subject, wanted] of [
      [retracting(variance(asNumber)), Number.NaN],
      [retracting(variance(asNumber, { population: true })), 0],
    ] as const) {
      expect(subject.result(takenBack(subject, [stays, gone], [gone]))).toBe(wanted)
    }
  })

  test('beyond the range of doubles', () => {
    const huge = Number.MAX_VALUE
    for (const find of [(subject: Any) => subject, retracting]) {
      expect(resultOf(find(sum(asNumber)), [huge, huge])).toBe(Infinity)
      expect(resultOf(find(sum(asNumber)), [-huge, -huge, 5])).toBe(-Infinity)
      expect(resultOf(find(variance(asNumber)), [1e200, 0])).toBe(Infinity)
    }
    // No order of adding overflows on the way, and the tiniest is not lost.
    expect(resultOf(retracting(sum(asNumber)), [huge, 5e-324, -huge])).toBe(5e-324)
  })
})

describe('ewma', () => {
  const byTime = ewma((value: unknown) => (value as number[])[1] as number, {
    halfLife: '10s',
    time: (value) => (value as number[])[0] as number,
  }) as Any

  test('a record two half-lives old weighs a quarter', () => {
    const values = [
      [0, 8],
      [20_000, 3],
    ]
    expect(resultOf(byTime, values)).toBe(4)
    expect(resultOf(byTime, values.toReversed())).toBe(4)
  })

  test('what is far too old weighs nothing, and does no harm', () => {
    const values = [
      [0, 8],
      [1e15, 3],
    ]
    expect(resultOf(byTime, values)).toBe(3)
    expect(resultOf(byTime, values.toReversed())).toBe(3)
  })

  test('times can be Dates, and before 1970', () => {
    const dated = ewma(() => 7, { halfLife: '1ms', time: (at: Date) => at }) as Any
    expect(resultOf(dated, [new Date(-5), new Date(5)])).toBe(7)
  })

  test('by record: the newest counts alpha', () => {
    expect(resultOf(ewma(asNumber, { alpha: 0.5 }) as Any, [8, 4, 2])).toBe(4)
    expect(resultOf(ewma(asNumber, { alpha: 1 }) as Any, [8, 4, 2])).toBe(2)
  })
})

describe('histogram', () => {
  test('even bounds', () => {
    const subject = histogram(asNumber, { from: 0, to: 0.3, steps: 3 })
    expect(resultOf(subject, [-1, 0, 0.1, 0.3, 7])).toStrictEqual([
      { from: null, to: 0, count: 1 },
      { from: 0, to: 0.09999999999999999, count: 1 },
      { from: 0.09999999999999999, to: 0.19999999999999998, count: 1 },
      { from: 0.19999999999999998, to: 0.3, count: 0 },
      { from: 0.3, to: null, count: 2 },
    ])
  })

  test('the bounds given stay the user’s', () => {
    const bounds = [1, 2]
    const subject = histogram(asNumber, bounds)
    bounds[0] = 50
    expect(resultOf(subject, [1.5])).toContainEqual({ from: 1, to: 2, count: 1 })
  })
})

describe('aggregator', () => {
  test('without result the accumulator is given, and nothing merges', () => {
    const product = aggregator({ init: () => 1, add: (soFar, n: number) => soFar * n }) as Any
    expect(resultOf(product, [2, 3, 7])).toBe(42)
    expect(product).toMatchObject({ kind: 'aggregator', merge: null, retract: null, state: null })
  })

  test('where add throws, all that was kept goes on', () => {
    const own = aggregator({
      init: () => 0,
      add: (soFar, n: number) => {
        if (n === 13) throw new Error('unlucky')
        return soFar + n
      },
    }) as Any
    // As a step of several fields does: each adds in turn, and what they gave is dropped.
    const fields: Any[] = [
      collect(),
      distinct(asKey),
      topK(asKey, 3),
      histogram(asNumber, [2]),
      own,
    ]
    let kept = fields.map((field) => field.init())
    const take = (value: unknown): unknown[] =>
      kept.map((accumulator, i) => {
        const field = fields[i] as Any
        return field.add(accumulator, field.extract(value))
      })
    for (const value of [1, 13, 2, 13, 13, 3]) {
      if (value === 13) expect(() => take(value)).toThrow('unlucky')
      else kept = take(value)
    }
    expect(kept.map((accumulator, i) => fields[i]?.result(accumulator))).toStrictEqual([
      [1, 2, 3],
      3,
      [1, 2, 3].map((value) => ({ value, count: 1, error: 0 })),
      [
        { from: null, to: 2, count: 1 },
        { from: 2, to: null, count: 2 },
      ],
      6,
    ])
  })
})

describe('details', () => {
  test('what a function picks of the value', () => {
    const values = [{ n: 1 }, { n: 2 }]
    const n = (value: unknown): number => (value as { n: number }).n
    expect(resultOf(first(n), values)).toBe(1)
    expect(resultOf(last(n), values)).toBe(2)
    expect(resultOf(collect(n), values)).toStrictEqual([1, 2])
    expect(resultOf(sum(n) as Any, values)).toBe(3)
  })

  test('of equal values that were collected the first leaves', () => {
    const subject = retracting(collect() as Any)
    const rest = takenBack(subject, [{ n: 1 }, 'b', { n: 1 }], [{ n: 1 }])
    expect(subject.result(rest)).toStrictEqual(['b', { n: 1 }])
  })

  test('undone values leave nothing behind: storage is as long as what is kept', () => {
    const subject = distinct(asKey)
    type Kept = { storage: { items: unknown[]; positions: Map<unknown, number> | null } }
    for (const many of [['a'], ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']]) {
      const kept = folded(subject, many) as Kept
      for (let i = 0; i < 100; i++) folded(subject, [`undone ${i}`], kept)
      expect(kept.storage.items).toHaveLength(many.length + 1)
      expect(kept.storage.positions?.size ?? many.length + 1).toBe(many.length + 1)
    }
  })

  test('a result is a value of its own: what is added later does not change it', () => {
    for (const subject of [collect(), histogram(asNumber, [1]), topK(asKey, 3)] as Any[]) {
      const kept = folded(subject, [1])
      const given = subject.result(kept)
      const copy = structuredClone(given)
      folded(subject, [1, 1, 2], kept)
      expect(given).toStrictEqual(copy)
    }
  })
})
