/** Several partitions and tasks, tables as inputs, plans of pipelines under test. */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { isCode } from '../core/error.ts'
import { compareKeys } from '../core/key.ts'
import { count, from, globalTable, json, string, sum, table } from '../index.ts'
import { topic, tumbling } from '../index.ts'
import { testPipeline } from './test-pipeline.ts'

interface Order {
  readonly id: string
  readonly customer: string
  readonly euros: number
  readonly at: number
}
const orders = topic('orders', {
  codec: json<Order>(),
  key: (order) => order.id,
  time: (order) => order.at,
  partitions: 3,
})
const totals = () =>
  from(orders)
    .keyBy((order) => order.customer)
    .window(tumbling('10s'))
    .aggregate({ n: count(), euros: sum((order: Order) => order.euros) })
    .to(topic('totals', { partitions: 3 }))
const order = (id: string, customer: string, at: number): Order => ({ id, customer, euros: 1, at })

test('a task for each partition gives the same as one, through a repartition topic', () => {
  const one = testPipeline(totals())
  const many = testPipeline(totals(), { tasks: 'per-partition' })
  assert.deepEqual(one.tasks(), ['main/all'])
  assert.deepEqual(
    many.tasks().map((name) => name.split('/')[1]),
    ['0', '1', '2', '0', '1', '2'],
  )
  for (const each of [one, many]) {
    for (let i = 0; i < 30; i++) each.push(orders, order(`o${i}`, `c${i % 4}`, i * 1000))
    each.idle()
    each.advance('1m')
  }
  const rows = (test: typeof one): string[] =>
    test.outputs('totals').map((row) => JSON.stringify(row))
  assert.equal(one.outputs('totals').length, 12)
  assert.deepEqual(rows(many).toSorted(compareKeys), rows(one).toSorted(compareKeys))
  assert.deepEqual(many.late(), [])
})

test('keys lie where the log puts them; a partition can be named', () => {
  const test = testPipeline(from(orders).to(topic('copies', { partitions: 3 })))
  for (let i = 0; i < 9; i++) test.push(orders, order(`o${i}`, 'c', 0))
  const partitions = new Map(test.records('copies').map(({ key, partition }) => [key, partition]))
  assert.deepEqual([...new Set(partitions.values())].toSorted(compareKeys), [0, 1, 2])
  test.push(orders, order('o1', 'c', 0), { partition: 2 })
  assert.equal(test.explain().inputs[2]?.reachedMs, 0)
})

test('a partition without records holds the others back, and says so', () => {
  const test = testPipeline(totals(), { tasks: 'per-partition' })
  test.push(orders, order('a', 'c', 50_000))
  assert.equal(test.watermark(), null)
  assert.equal(test.explain('main/1').watermarkMs, 50_000)
  assert.deepEqual(
    test.explain('main/2').heldBy.map(({ partition }) => partition),
    [2],
  )
  const isWrong = (thrown: unknown): boolean => isCode(thrown, 'wrong-partition')
  assert.throws(() => test.push(orders, order('a', 'c', 0), { partition: 2 }), isWrong)
  const isNone = (thrown: unknown): boolean => isCode(thrown, 'invalid-argument')
  assert.throws(() => test.explain('main/7'), isNone)
})

const customers = topic('customers', { codec: json<{ name: string }>(), key: 'record' })

test('tables are inputs: rows come, change and go', () => {
  const pipeline = from(orders)
    .keyBy((one) => one.customer)
    .join(table(customers), { type: 'left', asOf: 'latest' })
    .map(({ left, right }) => `${left.id} ${right?.name ?? '?'}`)
    .to(topic('named', { codec: string() }))
  const test = testPipeline(pipeline)
  test.push(orders, order('1', 'c', 0))
  test.push(customers, { name: 'Ada' }, { key: 'c' })
  test.push(orders, order('2', 'c', 1000))
  test.push(customers, { name: 'Bea' }, { key: 'c' })
  test.push(orders, order('3', 'c', 2000))
  test.push(customers, null as never, { key: 'c' })
  test.push(orders, order('4', 'c', 3000))
  assert.deepEqual(test.outputs('named'), ['1 ?', '2 Ada', '3 Bea', '4 ?'])
  const hasNoKey = (thrown: unknown): boolean => isCode(thrown, 'invalid-argument')
  assert.throws(() => test.push(customers, null as never), hasNoKey)
})

test('a global table is known to every task', () => {
  const pipeline = from(orders)
    .join(globalTable(customers), { by: (one) => one.customer, type: 'left' })
    .map(({ left, right }) => `${left.id} ${right?.name ?? '?'}`)
    .to(topic('named', { codec: string(), partitions: 3 }))
  const test = testPipeline(pipeline, { tasks: 'per-partition' })
  test.push(customers, { name: 'Ada' }, { key: 'c' })
  for (let i = 0; i < 6; i++) test.push(orders, order(`o${i}`, 'c', 0))
  assert.equal(new Set(test.records('named').map(({ partition }) => partition)).size, 3)
  assert.deepEqual(
    test.outputs('named').map(String).toSorted(compareKeys),
    [0, 1, 2, 3, 4, 5].map((i) => `o${i} Ada`),
  )
})

test('a table over several tasks takes back what a row was', () => {
  const people = topic('people', {
    codec: json<{ name: string }>(),
    key: 'record',
    partitions: 3,
  })
  const pipeline = table(people)
    .groupBy((row) => row.name)
    .aggregate({ n: count() })
    .to(topic('names', { key: 'record', compact: true }))
  assert.equal(testPipeline(pipeline, { tasks: 'per-partition' }).tasks().length, 6)
  const test = testPipeline(pipeline, { tasks: 'per-partition' })
  test.push(people, { name: 'Ada' }, { key: 'a' })
  test.push(people, { name: 'Ada' }, { key: 'b' })
  test.push(people, null as never, { key: 'a' })
  assert.deepEqual(
    test.outputs('names').map((row) => (row as { n: number }).n),
    [1, 2, 1],
  )
  assert.deepEqual([...test.table('names')], [['Ada', { key: 'Ada', n: 1 }]])
  test.push(people, null as never, { key: 'b' })
  assert.deepEqual([...test.table('names')], [])
  assert.equal(test.records('names').at(-1)?.value, null)
})

test('a topic that is also read as a global table is read twice', () => {
  interface Person {
    readonly name: string
    readonly boss: string
  }
  const people = topic('people', { codec: json<Person>(), key: 'record' })
  const pipeline = from(people)
    .join(globalTable(people), { by: (person) => person.boss, type: 'left' })
    .map(({ left, right }) => `${left.name} ${right?.name ?? '?'}`)
    .to(topic('bosses', { codec: string() }))
  const test = testPipeline(pipeline)
  test.push(people, { name: 'Ada', boss: 'b' }, { key: 'a' })
  test.push(people, { name: 'Bea', boss: 'a' }, { key: 'b' })
  assert.deepEqual(test.outputs('bosses'), ['Ada ?', 'Bea Ada'])
})

test('with one partition there is one task, as in a run', () => {
  const words = topic('words', { codec: string(), key: 'record' })
  const wide = topic('wide', { codec: string(), key: 'record', partitions: 4 })
  const copies = from(words).join(globalTable(wide), { by: (word) => word, type: 'left' })
  const pipeline = copies.map(({ left }) => left).to(topic('copies', { codec: string() }))
  assert.deepEqual(testPipeline(pipeline, { tasks: 'per-partition' }).tasks(), ['main/all'])
})

test('topics that are read together need as many partitions', () => {
  const uneven = topic('uneven', { codec: json<Order>(), key: (one) => one.id, partitions: 2 })
  const joined = from(orders).join(table(uneven), { asOf: 'latest' }).to(topic('out'))
  const isInvalid = (thrown: unknown): boolean => isCode(thrown, 'invalid-plan')
  assert.throws(() => testPipeline(joined, { tasks: 'per-partition' }), isInvalid)
  testPipeline(joined)
})

test('the plan is text for a snapshot', () => {
  const names = (text: string): string[] =>
    text.match(/\S+  (?:source|key-by|aggregate|to)$/gm) ?? []
  assert.deepEqual(names(testPipeline(totals()).plan()), [
    'orders  source',
    'orders.key-by  key-by',
    'orders.key-by.aggregate-10s  aggregate',
    'orders.key-by.aggregate-10s.to-totals  to',
  ])
  expect(testPipeline(totals(), { tasks: 'per-partition' }).plan()).toContain('part ')
})

test('a trace that was not asked for is refused; steps of no length, too', () => {
  const test = testPipeline(totals())
  assert.throws(
    () => test.trace(),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
  assert.throws(
    () => test.advance('1s', { every: '0ms' }),
    (thrown) => isCode(thrown, 'invalid-duration'),
  )
})
