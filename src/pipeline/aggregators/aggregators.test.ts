import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../core/error.ts'
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { ValueReader, ValueWriter } from '../../core/value-codec.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { distinct } from './distinct.ts'
import { max, min } from './extreme.ts'
import { first, last } from './first-last.ts'
import { mean, sum } from './sum.ts'

/** What the engine may do to an accumulator between two records. */
type Move =
  | { readonly do: 'add'; readonly value: unknown }
  /** Records are added, then all of them undone: the accumulator before them goes on. */
  | { readonly do: 'undo'; readonly values: readonly unknown[] }
  /** Written to the state store, and read again. */
  | { readonly do: 'restore' }
  /** What came so far is set aside, to be merged with what follows. */
  | { readonly do: 'split' }

interface Subject {
  readonly aggregator: AggregatorOf<unknown, unknown>
  readonly values: fc.Arbitrary<unknown>
  readonly model: (values: readonly unknown[]) => unknown
}

const itself = (value: unknown): unknown => value
const whole = fc.integer({ min: -1000, max: 1000 })
const total = (values: readonly unknown[]): number =>
  (values as number[]).reduce((sumSoFar, value) => sumSoFar + value, 0)
const byLess = (a: unknown, b: unknown): number => Number(lessOf(b, a)) - Number(lessOf(a, b))
const lessOf = (a: unknown, b: unknown): boolean => (a as number) < (b as number)

const orderedValues: readonly fc.Arbitrary<unknown>[] = [
  fc.double({ noNaN: true }),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
  fc.date({ noInvalidDate: true }),
]
const keys = fc.oneof(
  fc.constantFrom<unknown>(0, -0, 1, '1', 1n, true, Number.NaN, '', [1], ['1'], [1, 'a'], null),
  fc.string({ maxLength: 2 }),
  fc.constant(undefined),
)
const anything = fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 1 }))

/** Whole numbers, so that sums are exact in whatever way they are merged. */
const subjects: Record<string, Subject> = {
  count: { aggregator: count(), values: anything, model: (values) => values.length },
  sum: { aggregator: sum(itself as () => number), values: whole, model: total },
  mean: {
    aggregator: mean(itself as () => number),
    values: whole,
    model: (values) => total(values) / values.length,
  },
  first: { aggregator: first(), values: anything, model: (values) => values[0] },
  last: { aggregator: last(), values: anything, model: (values) => values.at(-1) },
  collect: { aggregator: collect(), values: anything, model: (values) => [...values] },
  distinct: {
    aggregator: distinct(itself as () => Key),
    values: keys,
    model: (values) => {
      const present = values.filter((value) => value !== null && value !== undefined)
      return new Set(present.map((value) => stateKey(value as Key))).size
    },
  },
}
for (const [i, values] of orderedValues.entries()) {
  subjects[`min ${i}`] = {
    aggregator: min(itself as () => number),
    values,
    model: (all) => all.toSorted(byLess)[0],
  }
  subjects[`max ${i}`] = {
    aggregator: max(itself as () => number),
    values,
    model: (all) => all.toSorted((a, b) => byLess(b, a))[0],
  }
}

function movesOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<Move[]> {
  const move: fc.Arbitrary<Move> = fc.oneof(
    { weight: 5, arbitrary: values.map((value): Move => ({ do: 'add', value })) },
    {
      weight: 2,
      arbitrary: fc
        .array(values, { minLength: 1, maxLength: 3 })
        .map((undone): Move => ({ do: 'undo', values: undone })),
    },
    { weight: 1, arbitrary: fc.constant<Move>({ do: 'restore' }) },
    { weight: 1, arbitrary: fc.constant<Move>({ do: 'split' }) },
  )
  return fc.array(move, { maxLength: 40 })
}

function stored(aggregator: AggregatorOf<unknown, unknown>, accumulator: unknown): unknown {
  const { state } = aggregator
  const writer = new ValueWriter()
  writer.writeValue(state === null ? accumulator : state.toState(accumulator))
  const read = new ValueReader(writer.bytes()).readValue()
  return state === null ? read : state.fromState(read)
}

function added(aggregator: AggregatorOf<unknown, unknown>, to: unknown, value: unknown): unknown {
  return aggregator.add(to, aggregator.extract(value))
}

/** @returns the result of the moves, and the values that were not undone */
function play(
  aggregator: AggregatorOf<unknown, unknown>,
  moves: readonly Move[],
): { result: unknown; values: unknown[] } {
  const values: unknown[] = []
  const aside: unknown[] = []
  let accumulator = aggregator.init()
  for (const move of moves) {
    if (move.do === 'add') {
      values.push(move.value)
      const before = aggregator.result(accumulator)
      const next = added(aggregator, accumulator, move.value)
      expect(aggregator.result(accumulator)).toStrictEqual(before)
      accumulator = next
    } else if (move.do === 'undo') {
      let dropped = accumulator
      for (const value of move.values) dropped = added(aggregator, dropped, value)
    } else if (move.do === 'restore') accumulator = stored(aggregator, accumulator)
    else {
      aside.push(accumulator)
      accumulator = aggregator.init()
    }
  }
  const { merge } = aggregator
  if (merge === null) throw new Error(`${aggregator.kind} has no merge`)
  aside.push(accumulator)
  return { result: aggregator.result(aside.reduce((a, b) => merge(a, b))), values }
}

describe('against a plain computation, with undo, restore and merge', () => {
  test.each(Object.entries(subjects))('%s', (_, { aggregator, values, model }) => {
    fc.assert(
      fc.property(movesOf(values), (moves) => {
        const played = play(aggregator, moves)
        if (played.values.length === 0) return
        expect(played.result).toStrictEqual(model(played.values))
      }),
      { numRuns: 200 },
    )
  })
})

describe('what cannot be aggregated is refused in extract', () => {
  const numbers: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, null, undefined, {}]
  const orders: unknown[] = [
    Number.NaN,
    new Date(Number.NaN),
    null,
    undefined,
    {},
    true,
    Symbol('s'),
  ]
  const cases: [string, AggregatorOf<unknown, unknown>, unknown][] = [
    ...numbers.flatMap((value): [string, AggregatorOf<unknown, unknown>, unknown][] => [
      ['sum', sum(itself as () => number), value],
      ['mean', mean(itself as () => number), value],
    ]),
    ...orders.flatMap((value): [string, AggregatorOf<unknown, unknown>, unknown][] => [
      ['min', min(itself as () => number), value],
      ['max', max(itself as () => number), value],
    ]),
  ]
  test.each(cases)('%s', (kind, aggregator, value) => {
    try {
      aggregator.extract(value)
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) throw thrown
      expect(thrown.code).toBe('step-failed')
      expect(thrown.message).toContain(`${kind} takes`)
      return
    }
    throw new Error(`${String(value)} was accepted`)
  })

  test('distinct refuses what is no key', () => {
    expect(() => distinct(itself as () => Key).extract({})).toThrow('cannot be a key')
  })

  test('an aggregator without its function is refused at once', () => {
    for (const make of [sum, mean, min, max, distinct, first, last, collect]) {
      expect(() => (make as (fn: unknown) => unknown)(5)).toThrow('takes a function of the value')
    }
  })
})

describe('details', () => {
  const fold = (
    aggregator: AggregatorOf<unknown, unknown>,
    values: readonly unknown[],
  ): unknown => {
    const end = values.reduce((to, value) => added(aggregator, to, value), aggregator.init())
    return aggregator.result(end)
  }

  test('of equal values min and max keep the first', () => {
    const [a, b] = [new Date(5), new Date(5)]
    expect(fold(min(itself as () => Date), [a, b])).toBe(a)
    expect(fold(max(itself as () => Date), [a, b])).toBe(a)
  })

  test('values of several types have an order: numbers, Dates, strings', () => {
    const values = ['a', new Date(0), 7, -3n, '']
    for (const shuffled of [values, values.toReversed()]) {
      expect(fold(min(itself as () => number), shuffled)).toBe(-3n)
      expect(fold(max(itself as () => number), shuffled)).toBe('a')
    }
  })

  test('what a function picks of the value', () => {
    const values = [{ n: 1 }, { n: 2 }]
    const n = (value: unknown): number => (value as { n: number }).n
    expect(fold(first(n), values)).toBe(1)
    expect(fold(last(n), values)).toBe(2)
    expect(fold(collect(n), values)).toStrictEqual([1, 2])
    expect(fold(sum(n), values)).toBe(3)
  })

  test('undone values leave nothing behind: storage is as long as what is kept', () => {
    const aggregator = distinct(itself as () => Key)
    const kept = added(aggregator, aggregator.init(), 'a') as { positions: Map<unknown, number> }
    for (let i = 0; i < 100; i++) added(aggregator, kept, `undone ${i}`)
    expect(kept.positions.size).toBe(2)
  })
})
