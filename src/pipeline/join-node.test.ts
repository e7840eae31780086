import { describe, expect, test } from 'vitest'
import { json } from '../core/codec.ts'
import { buildPlan } from './build-plan.ts'
import { planJson } from './explain-plan.ts'
import { from } from './from.ts'
import { globalTable } from './global-table.ts'
import { asOf, sameWindow, within } from './join-how.ts'
import type { Within } from './join-how.ts'
import type { StepTraits } from './node.ts'
import type { Stream } from './stream.ts'
import { topic } from './topic.ts'
import { tumbling } from './window.ts'

const settings = { codec: json<{ id: string }>(), key: (row: { id: string }) => row.id }
const orders = from(topic('orders', settings))
const payments = from(topic('payments', settings))
const table = { kind: 'table' as const, node: from(topic('customers', settings)).node }
const rates = globalTable(topic('rates', settings))

/** The join's line in the plan. */
function shown(join: Stream<unknown, string>): unknown {
  const plan = buildPlan(join.to(topic('out')), { name: 'p', repartition: true })
  const steps = planJson(plan).parts[0]?.steps ?? []
  const { name, inputs, settings: texts, late } = steps.at(-2) ?? {}
  return { name, inputs, settings: texts, late }
}

function traitsOf({ node }: Stream<unknown, string>): StepTraits {
  if (node.kind !== 'step') throw new Error(node.kind)
  return node.traits
}

describe('joins in a plan', () => {
  const sides = ['orders.left', 'payments.right']
  const late = ['orders.late', 'payments.late']

  test('of two streams: a side each, so that both can move', () => {
    const join = orders.join(payments, within({ before: '1m', after: '5m' }), {
      type: 'left',
      lateness: '10s',
    })
    expect(shown(join)).toStrictEqual({
      name: 'orders.join-1m-5m',
      inputs: sides,
      settings: { type: 'left', within: '1m before to 5m after', lateness: '10s' },
      late,
    })
    expect(shown(orders.join(payments, within('5m')))).toMatchObject({ name: 'orders.join-5m' })
    expect(shown(orders.join(payments, asOf('1s')))).toStrictEqual({
      name: 'orders.join-as-of-1s',
      inputs: sides,
      settings: { type: 'inner', 'as of': 'at most 1s older' },
      late,
    })
    expect(shown(orders.join(payments, sameWindow(tumbling('10s'))))).toStrictEqual({
      name: 'orders.join-window-10s',
      inputs: sides,
      settings: { type: 'inner', window: 'tumbling 10s' },
      late,
    })
  })

  test("within 'forever' nothing is late, and the plan is told that its state only grows", () => {
    const join = orders.join(payments, within('forever'))
    expect(shown(join)).toMatchObject({ settings: { within: 'forever' }, late: [] })
    expect(traitsOf(join)).toMatchObject({ grows: true, delayMs: 0 })
    expect(traitsOf(orders.join(payments, within('5m'))).grows).toBe(false)
  })

  test('with tables', () => {
    expect(shown(orders.join(table, { history: '1h' }))).toStrictEqual({
      name: 'orders.join-table',
      inputs: ['orders.left', 'customers.right'],
      settings: { type: 'inner', 'as of': 'event time', history: '1h' },
      late: ['orders.late', 'customers.late'],
    })
    expect(shown(orders.join(table, { asOf: 'latest' }))).toMatchObject({
      settings: { type: 'inner', 'as of': 'latest' },
      late: [],
    })
    expect(traitsOf(orders.join(table))).toMatchObject({ looksAt: 'deletions', groups: true })
  })

  test('with a global table: nothing moves', () => {
    const join = orders.keyBy((order) => `${order.id}!`).join(rates)
    expect(shown(join)).toStrictEqual({
      name: 'orders.key-by.join-global',
      inputs: ['orders.key-by', 'rates.global'],
      settings: { type: 'inner', by: "the record's key" },
      late: [],
    })
    const { parts } = buildPlan(join.to(topic('out')), { name: 'p', repartition: true })
    expect(parts.map(({ repartitions }) => repartitions)).toStrictEqual([[]])
  })

  test('what rows without a partner wait for is what event time lags by', () => {
    const delayMs = (how: Within, options: object): number =>
      traitsOf(orders.join(payments, how, options)).delayMs
    const how = within({ before: '2s', after: '3s' })
    expect(delayMs(how, { type: 'inner' })).toBe(0)
    expect(delayMs(how, { type: 'left', lateness: '1s' })).toBe(4000)
    expect(delayMs(how, { type: 'right', lateness: '1s' })).toBe(3000)
    expect(delayMs(how, { type: 'full' })).toBe(3000)
    const later = within({ before: '-2s', after: '3s' })
    expect(delayMs(later, { type: 'right', lateness: '1s' })).toBe(1000)
  })
})
