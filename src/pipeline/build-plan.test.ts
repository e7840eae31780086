import { describe, expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import { count } from './aggregators/count.ts'
import { sum } from './aggregators/sum.ts'
import { buildPlan } from './build-plan.ts'
import { from } from './from.ts'
import type { MapNode, Node, Pipeline } from './node.ts'
import { pipeline } from './pipeline.ts'
import { topic } from './topic.ts'
import { tumbling } from './window.ts'

interface Order {
  id: string
  amount: number
}
const orders = topic('orders', { codec: json<Order>(), key: (order) => order.id })
const keyless = topic('keyless', { codec: json<Order>() })
const out = topic('out', { codec: json<unknown>() })

function stepsOf(...pipelines: Pipeline[]): string[] {
  const plan = buildPlan(pipelines, { name: 'p', repartition: false })
  expect(plan.parts.map((part) => part.name)).toStrictEqual(['main'])
  return plan.parts[0]!.steps.map(({ name, inputs }) => `${name} < ${inputs.join(', ')}`.trimEnd())
}

function namesOf(...pipelines: Pipeline[]): string[] {
  return stepsOf(...pipelines).map((line) => line.split(' <')[0]!)
}

function errorOf(run: () => unknown): MillraceError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

describe('order', () => {
  test('sources first, each step behind its inputs, a shared step once', () => {
    const doubled = from(orders).map((order) => order.amount * 2)
    const other = from(keyless)
      .map((order) => order.amount)
      .keyBy((amount) => String(amount))
    expect(stepsOf(doubled.merge(other).print(), doubled.to(out))).toStrictEqual([
      'orders <',
      'keyless <',
      'orders.map < orders',
      'keyless.map < keyless',
      'keyless.key-by < keyless.map',
      'orders.merge < orders.map, keyless.key-by',
      'orders.merge.print < orders.merge',
      'orders.to-out < orders.map',
    ])
  })

  test('a topic that is read in several places is one source', () => {
    const twin = topic('orders', { codec: json<Order>(), key: orders.spec.key as () => string })
    expect(stepsOf(from(orders).merge(from(orders), from(twin)).print())).toStrictEqual([
      'orders <',
      'orders.merge < orders, orders, orders',
      'orders.merge.print < orders.merge',
    ])
  })

  test('the same pipeline given twice runs once', () => {
    const print = from(orders).print()
    expect(namesOf(print, print)).toStrictEqual(['orders', 'orders.print'])
    expect(namesOf(pipeline('a', print), pipeline('b', print))).toStrictEqual([
      'orders',
      'orders.print',
    ])
  })
})

describe('names', () => {
  const totals = from(orders)
    .window(tumbling('1m'))
    .aggregate({ total: sum((order) => order.amount) })

  test('follow from the nearest step that decides what records are', () => {
    const branches = totals.branch({ big: (row) => row.total > 9 })
    const grouped = branches.big
      .map((row) => row.total)
      .keyBy((n) => n)
      .reduce((a, b) => a + b)
    expect(
      namesOf(
        grouped.print(),
        branches.rest.flatMap((row) => [row]).forEach(() => {}),
      ),
    ).toStrictEqual([
      'orders',
      'orders.aggregate-1m',
      'orders.aggregate-1m.branch',
      'orders.aggregate-1m.branch.big',
      'orders.aggregate-1m.branch.big.map',
      'orders.aggregate-1m.branch.big.key-by',
      'orders.aggregate-1m.branch.big.key-by.reduce',
      'orders.aggregate-1m.branch.big.key-by.reduce.rows',
      'orders.aggregate-1m.branch.big.key-by.reduce.print',
      'orders.aggregate-1m.branch.rest',
      'orders.aggregate-1m.branch.rest.flat-map',
      'orders.aggregate-1m.branch.rest.for-each',
    ])
  })

  test('stateless steps and other outputs rename no state', () => {
    const cleaned = from(orders)
      .filter((order) => order.amount > 0)
      .map((order) => ({ ...order }))
      .window(tumbling('1m'))
      .aggregate({ n: count() })
    expect(namesOf(totals.print())).toContain('orders.aggregate-1m')
    expect(namesOf(cleaned.map((row) => row.n).print())).toContain('orders.aggregate-1m')
    expect(namesOf(from(orders).print(), from(keyless).print(), totals.print())).toContain(
      'orders.aggregate-1m',
    )
    const hourly = from(orders).window(tumbling('1h')).aggregate({ n: count() })
    expect(namesOf(hourly.print(), totals.print())).toEqual(
      expect.arrayContaining(['orders.aggregate-1h', 'orders.aggregate-1m']),
    )
  })

  test('of one place are counted, and keep clear of given names', () => {
    const again = from(orders).window(tumbling('1m')).aggregate({ n: count() })
    const given = from(orders)
      .map(() => 1)
      .named('orders.aggregate-1m-2')
    expect(namesOf(totals.print(), again.print(), given.print())).toEqual(
      expect.arrayContaining([
        'orders.aggregate-1m',
        'orders.aggregate-1m-2',
        'orders.aggregate-1m-3',
      ]),
    )
  })

  test('given ones are taken, and steps behind them stand on them', () => {
    const velocity = from(orders).aggregate({ n: count() }).named('velocity')
    expect(namesOf(velocity.map((row) => row.n).to(out))).toStrictEqual([
      'orders',
      'velocity',
      'velocity.map',
      'velocity.to-out',
    ])
  })
})

describe('refused', () => {
  const build = (...given: unknown[]): MillraceError => {
    const error = errorOf(() => buildPlan(given as Pipeline[], { name: 'p', repartition: false }))
    expect(error.code).toBe('invalid-plan')
    expect(error.hint).toBeTruthy()
    return error
  }

  test('a stream without output, and nothing at all', () => {
    expect(build(from(orders).map((o) => o)).message).toContain('has no output')
    expect(build().message).toContain('there is no pipeline')
  })

  test('a cycle', () => {
    const map: { -readonly [F in keyof MapNode]: MapNode[F] } = {
      kind: 'map',
      input: from(orders).node,
      fn: (value) => value,
      named: 'round',
    }
    const filter: Node = { kind: 'filter', input: map, fn: Boolean, named: null }
    map.input = filter
    const last = { kind: 'forEach' as const, input: map, isTable: false, named: null }
    const sinks: Pipeline['sinks'] = [{ ...last, fn: () => {} }]
    const error = build({ kind: 'pipeline', name: null, sinks })
    expect(error.message).toContain('a step reads its own output: round < filter < round')
    expect(error.at.step).toBe('round')
  })

  test('two steps of one name', () => {
    const twice = from(orders)
      .map((o) => o)
      .named('x')
      .filter(() => true)
      .named('x')
    expect(build(twice.print()).message).toBe("two steps are named 'x' (step 'x')")
    const likeSource = from(orders)
      .map((o) => o)
      .named('keyless')
    expect(build(likeSource.print(), from(keyless).print()).at.step).toBe('keyless')
  })

  test('two pipelines of one name', () => {
    const pipelines = [pipeline('a', from(orders).print()), pipeline('a', from(orders).print())]
    expect(build(...pipelines).message).toContain("two pipelines are named 'a'")
  })

  test('grouping records without a key, however they come', () => {
    const untyped = from(keyless) as unknown as ReturnType<typeof from<Order, string>>
    const count1 = { n: count() }
    const window = untyped
      .map((o) => o)
      .window(tumbling('1m'))
      .aggregate(count1)
    expect(build(window.print())).toMatchObject({ at: { step: 'keyless.aggregate-1m' } })
    expect(build(window.print()).message).toContain(
      "a window groups by key, but records of topic 'keyless'",
    )
    expect(
      build(
        untyped
          .reduce((a) => a)
          .named('r')
          .print(),
      ),
    ).toMatchObject({ at: { step: 'r' } })
    const merged = from(orders).merge(untyped).aggregate(count1)
    expect(build(merged.print()).at.step).toBe('orders.merge.aggregate')
    expect(
      namesOf(
        untyped
          .keyBy((o) => o.id)
          .aggregate(count1)
          .print(),
      ),
    ).toHaveLength(5)
  })

  test.each([
    [{}, 'aggregate has no fields'],
    [{ key: count() }, "aggregate cannot have a field 'key': every result has it by itself"],
    [{ window: count() }, "aggregate cannot have a field 'window'"],
  ])('fields %#', (fields, text) => {
    const error = build(
      from(orders)
        .aggregate(fields as object)
        .named('velocity')
        .print(),
    )
    expect(error.message).toContain(text)
    expect(error.at.step).toBe('velocity')
  })

  test('what only data made by hand can hold: fields and branches of one name', () => {
    const { node } = from(orders).aggregate({ n: count() })
    if (node.kind !== 'aggregate') throw new Error('no aggregate')
    const doubled = { ...node, fields: [...node.fields, ...node.fields] }
    const print = { kind: 'print', options: {}, named: null }
    const sinks = [{ ...print, input: doubled }]
    expect(build({ kind: 'pipeline', sinks }).message).toContain("'n': there are two of it")
    const cases = [1, 2].map(() => ({ name: 'a', fn: () => true }))
    const branch = { kind: 'branch', input: from(orders).node, cases, named: null }
    const output = { kind: 'branch-output', input: branch, output: 'a', named: null }
    const error = build({ kind: 'pipeline', sinks: [{ ...print, input: output }] })
    expect(error.message).toContain("two outputs of a branch are named 'a'")
    expect(error.at.step).toBe('orders.branch')
  })

  test('a topic that is both read and written', () => {
    const error = build(
      from(orders)
        .map((o) => o)
        .to(orders),
    )
    expect(error.message).toContain("topic 'orders' is both read and written")
    expect(error.at).toMatchObject({ step: 'orders.to-orders', topic: 'orders' })
  })

  test('a topic of two declarations', () => {
    const late = topic('orders', {
      codec: json<Order>(),
      key: orders.spec.key as () => string,
      outOfOrder: '5s',
    })
    expect(build(from(orders).merge(from(late)).print()).message).toContain(
      "topic 'orders' is declared twice, with different 'outOfOrderMs'",
    )
    const compact = topic('out', { codec: json<unknown>(), compact: true })
    const error = build(from(orders).to(out), from(keyless).to(compact))
    expect(error.message).toContain("topic 'out' is declared twice, with different 'compact'")
    expect(error.message).toContain("step 'keyless.to-out'")
    expect(namesOf(from(orders).to(out), from(keyless).to(topic('out')))).toHaveLength(4)
  })

  test('a source of two names', () => {
    const error = build(from(orders).print(), from(orders).named('x').print())
    expect(error.message).toContain("the source 'orders' is used under no name and 'x'")
  })

  test('a name that no pipeline can have', () => {
    const print = from(orders).print()
    expect(errorOf(() => buildPlan(print, { name: 'a b', repartition: false })).code).toBe(
      'invalid-argument',
    )
  })
})
