import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import { count } from './aggregators/count.ts'
import { buildPlan } from './build-plan.ts'
import { from } from './from.ts'
import type { Pipeline } from './node.ts'
import type { Plan, PlanPart } from './plan.ts'
import type { Stream } from './stream.ts'
import { topic } from './topic.ts'
import { tumbling } from './window.ts'

const numbers = topic('numbers', { codec: json<number>(), key: (n) => n })
const others = topic('others', { codec: json<number>(), key: (n) => n })
const out = topic('out', { codec: json<unknown>() })
const counted = { n: count() }

function plan(...pipelines: Pipeline[]): Plan {
  return buildPlan(pipelines, { name: 'p', repartition: true })
}

/** One line a part: its steps, what it reads and what it sends on. */
function show({ parts }: Plan): string[] {
  const edge = ({ step, topic: name }: PlanPart['reads'][number]): string => `${step} via ${name}`
  return parts.map((part) => {
    const steps = part.steps.map(({ name, inputs }) => `${name}(${inputs.join(' ')})`).join(' ')
    const reads = part.reads.map(edge).join(', ')
    const repartitions = part.repartitions.map(edge).join(', ')
    return `${part.name}: [${reads}] ${steps} [${repartitions}]`
  })
}

describe('cut for several tasks', () => {
  test('without keyBy nothing moves: one part', () => {
    const rows = from(numbers).window(tumbling('1m')).aggregate(counted)
    expect(show(plan(rows.to(out)))).toStrictEqual([
      'main: [] numbers() numbers.aggregate-1m(numbers) ' +
        'numbers.aggregate-1m.to-out(numbers.aggregate-1m) []',
    ])
  })

  test('a keyBy that no state follows moves nothing', () => {
    expect(
      plan(
        from(numbers)
          .keyBy((n) => n % 2)
          .to(out),
      ).parts,
    ).toHaveLength(1)
    const rekeyed = from(numbers)
      .keyBy((n) => n % 2)
      .named('a')
      .keyBy((n) => n % 3)
      .named('b')
    const { parts } = plan(rekeyed.aggregate(counted).print())
    expect(parts.map((part) => part.name)).toStrictEqual(['main', 'b'])
    expect(parts[0]!.repartitions.map(({ step }) => step)).toStrictEqual(['b'])
  })

  test('behind a keyBy, through stateless steps, up to the state', () => {
    const even = from(numbers)
      .keyBy((n) => n % 2)
      .named('parity')
      .branch({ big: (n) => n > 9 })
      .big.map((n) => n)
      .filter(() => true)
      .aggregate(counted)
      .named('totals')
    expect(show(plan(even.to(out)))).toStrictEqual([
      'main: [] numbers() parity(numbers) [parity via p.parity.repartition]',
      'parity: [parity via p.parity.repartition] parity.branch(parity) ' +
        'parity.branch.big(parity.branch) ' +
        'parity.branch.big.map(parity.branch.big) ' +
        'parity.branch.big.filter(parity.branch.big.map) ' +
        'totals(parity.branch.big.filter) totals.to-out(totals) []',
    ])
  })

  test('parts follow each other', () => {
    const first = from(numbers)
      .keyBy((n) => n % 9)
      .named('a')
      .aggregate(counted)
      .named('x')
    const second = first
      .toStream()
      .keyBy((row) => row.n)
      .named('b')
      .aggregate(counted)
      .named('y')
    expect(show(plan(second.print()))).toStrictEqual([
      'main: [] numbers() a(numbers) [a via p.a.repartition]',
      'a: [a via p.a.repartition] x(a) x.rows(x) b(x.rows) ' + '[b via p.b.repartition]',
      'b: [b via p.b.repartition] y(b) y.rows(y) y.print(y.rows) []',
    ])
  })

  test('streams keyed by two keyBys meet in one part', () => {
    const a = from(numbers)
      .keyBy((n) => n % 3)
      .named('a')
    const b = from(others)
      .keyBy((n) => n % 3)
      .named('b')
    expect(show(plan(a.merge(b).named('m').aggregate(counted).named('x').print()))).toStrictEqual([
      'main: [] numbers() others() a(numbers) b(others) ' +
        '[a via p.a.repartition, b via p.b.repartition]',
      'a: [a via p.a.repartition, b via p.b.repartition] m(a b) x(m) x.rows(x) ' +
        'x.print(x.rows) []',
    ])
  })

  test('a stateless step runs wherever its records are', () => {
    const rows = from(numbers)
      .keyBy((n) => n % 3)
      .named('a')
      .aggregate(counted)
      .named('x')
      .toStream()
    const merged = rows
      .map((row) => row.n)
      .named('n')
      .merge(from(numbers))
      .named('m')
    expect(show(plan(merged.to(out)))).toStrictEqual([
      'main: [] numbers() a(numbers) m(numbers) m.to-out(m) [a via p.a.repartition]',
      'a: [a via p.a.repartition] x(a) x.rows(x) n(x.rows) m(n) m.to-out(m) []',
    ])
    // A keyBy in two parts writes a topic from each.
    const again = merged
      .keyBy((n) => n)
      .named('b')
      .aggregate(counted)
      .named('y')
    expect(show(plan(again.print())).slice(0, 1)).toStrictEqual([
      'main: [] numbers() a(numbers) m(numbers) b(m) ' +
        '[a via p.a.repartition, b via p.b.from-main.repartition]',
    ])
    expect(show(plan(again.print())).at(-1)).toBe(
      'b: [b via p.b.repartition, b via p.b.from-main.repartition] y(b) y.rows(y) ' +
        'y.print(y.rows) []',
    )
  })

  test.each<[string, () => Stream<unknown, number>]>([
    ['one by keyBy, one by its topic', () => from(numbers).merge(from(others).keyBy((n) => n))],
    [
      'a result and itself under another key',
      () => {
        const rows = from(numbers)
          .keyBy((n) => n)
          .aggregate(counted)
          .toStream()
        return rows.merge(rows.keyBy((row) => row.n))
      },
    ],
  ])('merged streams that are keyed in different ways: %s', (_, make) => {
    const rows = make().aggregate(counted).named('x').print()
    expect(buildPlan(rows, { name: 'p', repartition: false }).parts).toHaveLength(1)
    let error: unknown
    try {
      plan(rows)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code: 'invalid-plan', at: { step: 'x' } })
    expect((error as MillraceError).message).toContain(
      'merged streams are not keyed in the same way',
    )
  })

  test('a repartition topic whose name would be too long', () => {
    const long = topic('t'.repeat(240), { codec: json<number>() })
    const rows = from(long)
      .keyBy((n) => n)
      .aggregate(counted)
    expect(() => plan(rows.print())).toThrow('is too long for the name of a topic')
  })
})

describe('on random pipelines', () => {
  const choice = fc.record({
    kind: fc.constantFrom('map', 'keyBy', 'keyBy', 'aggregate', 'merge'),
    of: fc.nat(),
    with: fc.nat(),
  })

  function grow(choices: readonly { kind: string; of: number; with: number }[]): Pipeline[] {
    const streams: Stream<unknown, number>[] = [from(numbers), from(others)]
    const pick = (n: number): Stream<unknown, number> => streams[n % streams.length]!
    for (const { kind, of, with: other } of choices) {
      const stream = pick(of)
      if (kind === 'map') streams.push(stream.map((value) => value))
      else if (kind === 'keyBy') streams.push(stream.keyBy(() => 1))
      else if (kind === 'aggregate') streams.push(stream.aggregate(counted).toStream())
      else streams.push(stream.merge(pick(other)))
    }
    return streams.map((stream) => stream.print())
  }

  test('each record finds its way, state is in one place, and no part waits for itself', () => {
    let cut = 0
    fc.assert(
      fc.property(fc.array(choice, { minLength: 5, maxLength: 14 }), (choices) => {
        const pipelines = grow(choices)
        const whole = buildPlan(pipelines, { name: 'p', repartition: false }).parts[0]!
        let made: Plan
        try {
          made = plan(...pipelines)
        } catch (thrown) {
          if (thrown instanceof MillraceError && thrown.code === 'invalid-plan') return
          throw thrown
        }
        if (made.parts.length > 1) cut++
        checkParts(made, whole)
      }),
      { numRuns: 500 },
    )
    expect(cut).toBeGreaterThan(100)
  })
})

function checkParts({ parts }: Plan, whole: PlanPart): void {
  const written = new Set<string>()
  for (const part of parts) {
    // Behind what it reads from; every topic has one writer.
    for (const { topic: name } of part.reads) expect(written).toContain(name)
    for (const { topic: name } of part.repartitions) {
      expect(written).not.toContain(name)
      written.add(name)
    }
    // A step's inputs are in its part, or read by it; topological order.
    const known = new Set(part.reads.map(({ step }) => step))
    for (const { name, inputs } of part.steps) {
      for (const input of inputs) expect(known).toContain(input)
      known.add(name)
    }
  }
  expect(parts.flatMap((part) => part.reads.map((read) => read.topic)).toSorted()).toStrictEqual(
    [...written].toSorted(),
  )
  for (const { name, node, inputs } of whole.steps) {
    const places = parts.flatMap((part) => part.steps.filter((step) => step.name === name))
    // Every edge is in some part.
    const edges = new Set(places.flatMap((step) => step.inputs))
    expect([...edges].toSorted()).toStrictEqual([...new Set(inputs)].toSorted())
    if (node.kind === 'aggregate' || node.kind === 'source') expect(places).toHaveLength(1)
  }
}
