import assert from 'node:assert/strict'
import { test } from 'vitest'
import { from, json, lookup, topic } from '../../index.ts'
import type { LookupOptions } from '../../index.ts'
import { testPipeline } from '../../testing.ts'

type Order = { id: number; customer: string | null }
const orders = topic('orders', { codec: json<Order>() })
const outs = topic('outs')
const names: Readonly<Record<string, string>> = { a: 'Ada', b: 'Bob' }

/** Finds names, and remembers what was asked. */
function customers(options: Partial<LookupOptions<Order, string>> = {}) {
  const asked: string[] = []
  const rows = lookup(
    async (id: string) => {
      asked.push(id)
      if (id === 'broken') throw new Error('no connection')
      return names[id]
    },
    { by: (order: Order) => order.customer, ...options },
  )
  return { asked, rows }
}

const pairs = (run: ReturnType<typeof testPipeline>): unknown[] =>
  (run.outputs('outs') as { left: Order; right: string | null }[]).map(({ left, right }) => {
    return `${left.id} ${right}`
  })

test('left and inner, in the order of the records', async () => {
  const given = ['a', 'nobody', null, 'b', 'a', 'nobody']
  for (const [type, expected] of [
    ['left', ['0 Ada', '1 null', '2 null', '3 Bob', '4 Ada', '5 null']],
    ['inner', ['0 Ada', '3 Bob', '4 Ada']],
  ] as const) {
    const { rows, asked } = customers()
    const run = testPipeline(from(orders).join(rows, { type }).to(outs))
    for (const [id, customer] of given.entries()) run.push(orders, { id, customer })
    await run.settled()
    assert.deepEqual(pairs(run), expected)
    assert.deepEqual(asked, ['a', 'nobody', 'b']) // once each, though asked for while under way
  }
})

test('rows are kept for their time, by the clock; what is kept is joined at once', async () => {
  const { rows, asked } = customers({ cache: { ttl: '10s', missTtl: '1s' } })
  const run = testPipeline(from(orders).join(rows, { type: 'left' }).to(outs))
  const push = (id: number, customer: string): void => run.push(orders, { id, customer })
  push(0, 'a')
  push(1, 'nobody')
  await run.settled()
  run.advance('999ms')
  push(2, 'nobody')
  push(3, 'a')
  assert.deepEqual(pairs(run), ['0 Ada', '1 null', '2 null', '3 Ada'])
  run.advance('1ms')
  push(4, 'nobody')
  await run.settled()
  run.advance('9s')
  push(5, 'a')
  await run.settled()
  assert.deepEqual(asked, ['a', 'nobody', 'nobody', 'a'])
})

test('without a cache each record asks, once at a time', async () => {
  const { rows, asked } = customers({ cache: { entries: 0 } })
  const run = testPipeline(from(orders).join(rows).to(outs))
  for (const id of [0, 1]) run.push(orders, { id, customer: 'a' })
  await run.settled()
  run.push(orders, { id: 2, customer: 'a' })
  await run.settled()
  assert.deepEqual(asked, ['a', 'a'])
  assert.deepEqual(pairs(run), ['0 Ada', '1 Ada', '2 Ada'])
})

test('a failure goes to the dead letters for each record that waits, and is not kept', async () => {
  const { rows, asked } = customers({ retries: 1, backoff: '1s' })
  const run = testPipeline(from(orders).join(rows, { type: 'left' }).to(outs))
  for (const [id, customer] of ['broken', 'a', 'broken'].entries()) {
    run.push(orders, { id, customer })
  }
  await run.settled()
  assert.deepEqual(asked, ['broken', 'a']) // it pauses, all wait
  assert.deepEqual(pairs(run), [])
  run.advance('1s')
  await run.settled()
  assert.deepEqual(pairs(run), ['1 Ada'])
  assert.deepEqual(
    run.deadLetters().map(({ step, offset, message }) => [step, offset, message]),
    [
      ['orders.join-lookup', 0, 'no connection'],
      ['orders.join-lookup', 2, 'no connection'],
    ],
  )
  run.push(orders, { id: 3, customer: 'broken' })
  assert.deepEqual(asked, ['broken', 'a', 'broken', 'broken'])
})

test('a record at which by throws is a dead letter; its call is not made', async () => {
  const { rows, asked } = customers({
    by: (order) => {
      if (order.id === 1) throw new Error('no key')
      return order.customer
    },
  })
  const run = testPipeline(from(orders).join(rows).to(outs))
  for (const id of [0, 1, 2]) run.push(orders, { id, customer: 'a' })
  await run.settled()
  assert.deepEqual([pairs(run), asked], [['0 Ada', '2 Ada'], ['a']])
  assert.deepEqual(
    run.deadLetters().map(({ message }) => message),
    ['no key'],
  )
})

test('what would make no sense is refused', () => {
  const by = (order: Order): string | null => order.customer
  const find = async (id: string): Promise<string> => id
  assert.throws(() => lookup(find, { by, cache: { entries: -1 } }), /cache.entries of lookup/)
  assert.throws(() => lookup(find, { by, cache: { ttl: 'long' as '1s' } }), /ttl 'long'/)
  assert.throws(() => lookup(find, { by, concurrency: 0 }), /concurrency of lookup/)
  assert.throws(() => lookup(find, {} as never), /by of lookup takes a function/)
  const rows = lookup(find, { by })
  assert.throws(() => from(orders).join(rows, { type: 'full' as 'left' }), /'inner' or 'left'/)
})
