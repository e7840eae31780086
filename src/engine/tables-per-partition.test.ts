/** Tables in one task, and in one for each partition: rows meet their groups and partners there. */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { seededRandom } from '../core/random.ts'
import type { Random } from '../core/random.ts'
import { BatchBuilder } from '../log/batch.ts'
import type { Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { max } from '../pipeline/aggregators/extreme.ts'
import { sum } from '../pipeline/aggregators/sum.ts'
import { pipeline } from '../pipeline/pipeline.ts'
import { table } from '../pipeline/table.ts'
import { topic } from '../pipeline/topic.ts'
import type { Topic } from '../pipeline/topic.ts'
import { start, until } from './conformance/engine-probe.ts'

interface Order {
  readonly id: string
  readonly customer: string | null
  readonly amount: number
}
interface Customer {
  readonly id: string
  readonly city: string
}

const byId = { key: (value: unknown) => (value as { id: string }).id, idle: 'wait' } as const
const orders = table(topic('orders', byId) as Topic<Order, string>)
const customers = table(topic('customers', byId) as Topic<Customer, string>)

/** Orders with their customers, the revenue of each city, and of each city the greatest orders. */
function tables() {
  const joined = orders
    .join(customers, { on: ({ customer }) => customer, type: 'left' })
    .named('fk')
  const cities = joined.groupBy(({ right }) => right?.city ?? 'nowhere')
  return pipeline(
    'tables',
    joined.to(topic('joined')),
    cities
      .aggregate({
        orders: count(),
        revenue: sum(({ left }) => left.amount),
        most: max(({ left }) => left.amount),
      })
      .named('cities')
      .to(topic('cities')),
    cities
      .topN(2, { by: ({ left }) => left.amount })
      .named('top')
      .to(topic('top')),
  )
}

type Rows<V> = Map<string, V>

interface Tables {
  readonly orders: Rows<Order>
  readonly customers: Rows<Customer>
}

/** Random changes, applied to the tables, and as records of each topic. */
function change(random: Random, tables: Tables, times: number) {
  const records = { orders: [] as [string, unknown][], customers: [] as [string, unknown][] }
  for (let i = 0; i < times; i++) {
    const isOrder = random.int(3) > 0
    const isGone = random.int(5) === 0
    const customer = `c${random.int(6)}`
    if (isOrder) {
      const id = `o${random.int(12)}`
      const of = random.int(6) === 0 ? null : customer
      const row: Order = { id, customer: of, amount: random.int(50) }
      if (isGone) tables.orders.delete(id)
      else tables.orders.set(id, row)
      records.orders.push([id, isGone ? null : row])
    } else {
      const row: Customer = { id: customer, city: `city ${random.int(3)}` }
      if (isGone) tables.customers.delete(customer)
      else tables.customers.set(customer, row)
      records.customers.push([customer, isGone ? null : row])
    }
  }
  return records
}

/** By loops over both tables. */
function expected(tables: Tables): Record<string, Record<string, unknown>> {
  const pairs = [...tables.orders.values()].map((left) => {
    return { left, right: tables.customers.get(left.customer ?? '') ?? null }
  })
  const groups = Map.groupBy(pairs, ({ right }) => right?.city ?? 'nowhere')
  const cities = [...groups].map(([key, all]) => {
    const amounts = all.map(({ left }) => left.amount)
    const revenue = amounts.reduce((a, b) => a + b, 0)
    return [key, { key, orders: all.length, revenue, most: Math.max(...amounts) }] as const
  })
  const top = [...groups].map(([key, all]) => {
    const inOrder = all.toSorted(
      (a, b) => b.left.amount - a.left.amount || (a.left.id < b.left.id ? -1 : 1),
    )
    return [key, { key, top: inOrder.slice(0, 2) }] as const
  })
  return {
    joined: Object.fromEntries(pairs.map((pair) => [pair.left.id, pair])),
    cities: Object.fromEntries(cities),
    top: Object.fromEntries(top),
  }
}

async function append(log: Log, name: string, records: readonly (readonly [string, unknown])[]) {
  const builders = Array.from({ length: 4 }, () => new BatchBuilder())
  for (const [key, value] of records) {
    const text = value === null ? null : JSON.stringify(value)
    builders[partitionOfText(key, 4)]?.add(key, text, 0)
  }
  const batches = builders.flatMap((builder, partition) =>
    builder.count === 0 ? [] : [{ topic: name, partition, bytes: builder.finish() }],
  )
  if (batches.length > 0) await log.append(batches)
}

/** A topic's newest value of each key; tombstones delete. */
async function rowsOf(log: Log, name: string): Promise<Record<string, unknown>> {
  const rows = new Map<string, unknown>()
  const { partitions } = await log.describeTopic(name)
  for (const { partition, startOffset, endOffset } of partitions) {
    const reader = await log.openReader([{ topic: name, partition, offset: startOffset }])
    for (let next = startOffset; next < endOffset;) {
      const batch = reader.poll(0)
      if (batch === null) {
        await reader.wait(1000)
        continue
      }
      for (let i = batch.first; i < batch.count; i++) {
        const key = String(batch.key(i))
        if (batch.valueIsNull(i)) rows.delete(key)
        else rows.set(key, JSON.parse(String(batch.value(i))))
      }
      next = batch.nextOffset
    }
    await reader.close()
  }
  return Object.fromEntries(rows)
}

test('O1 one task, or one for each partition: the same tables, over restarts', async () => {
  for (const tasks of ['one', 'per-partition'] as const) {
    const random = seededRandom(4711)
    const log = openMemoryLog()
    for (const name of ['orders', 'customers']) await log.createTopic(name, { partitions: 4 })
    const content: Tables = { orders: new Map(), customers: new Map() }
    for (let round = 0; round < 4; round++) {
      const { run } = await start(log, tables(), { tasks })
      for (let part = 0; part < 8; part++) {
        const records = change(random, content, 10)
        await append(log, 'customers', records.customers)
        await append(log, 'orders', records.orders)
      }
      const wanted = expected(content)
      const found = async (): Promise<unknown> => ({
        joined: await rowsOf(log, 'joined'),
        cities: await rowsOf(log, 'cities'),
        top: await rowsOf(log, 'top'),
      })
      const isReached = async (): Promise<boolean> => {
        try {
          assert.deepEqual(await found(), wanted)
          return true
        } catch {
          return false
        }
      }
      await until('the tables are right', isReached).catch(() => {})
      await run.stop()
      await run.done
      expect(await found(), `${tasks}, round ${round}`).toStrictEqual(wanted)
    }
    for (const name of ['orders.dead', 'customers.dead']) {
      assert.deepEqual(await rowsOf(log, name), {}, name)
    }
  }
}, 30_000)
