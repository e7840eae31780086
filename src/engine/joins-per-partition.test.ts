/** Joins in one task, and in one for each partition: both sides meet there, the table too. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { json } from '../core/codec.ts'
import { isCode } from '../core/error.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { from } from '../pipeline/from.ts'
import { globalTable } from '../pipeline/global-table.ts'
import { within } from '../pipeline/join-how.ts'
import { topic } from '../pipeline/topic.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import type { ProbeRecord } from './conformance/engine-probe.ts'

interface Order {
  readonly id: string
  readonly customer: string
  readonly t: number
}

const time = (value: unknown): number => (value as Order).t
const settings = { time, idle: 'wait' } as const
const orders = topic('orders', { ...settings, key: (value) => (value as Order).id })
const payments = topic('payments', { ...settings, key: (value) => (value as Order).customer })
const names = topic('names', { key: 'record' })

/** Orders keyed anew, payments straight from a topic of that key, names whole in each task. */
function joined() {
  return from(orders)
    .keyBy((order) => (order as Order).customer)
    .join(from(payments), within('5ms'), { type: 'full' })
    .join(globalTable(names), { by: (pair) => ofPair(pair).customer, type: 'left' })
    .map(({ left: pair, right: name }) => {
      const { left, right } = pair as { left: Order | null; right: Order | null }
      return `${left?.id ?? '-'} ${right?.id ?? '-'} ${String(name)}`
    })
    .to(topic('out'))
}

function ofPair(pair: { left: unknown; right: unknown }): Order {
  return (pair.left ?? pair.right) as Order
}

const customers = 'abcdefgh'.split('')

function input(side: 'o' | 'p'): Order[] {
  return Array.from({ length: 60 }, (_, i) => ({
    id: `${side}${i}`,
    customer: customers[(side === 'o' ? i * 3 : i * 7 + (i >> 2)) % customers.length] ?? '',
    t: i,
  }))
}

/** One far ahead in each of 4 partitions: event time goes on to there. */
function ends(side: 'o' | 'p'): ProbeRecord[] {
  return [0, 1, 2, 3].map((partition) => {
    const isThere = (i: number): boolean => partitionOfText(`end ${i}`, 4) === partition
    const id = `end ${Array.from({ length: 100 }, (_, i) => i).find(isThere)}`
    return { key: id, value: { id, customer: side === 'o' ? `${id} of orders` : id, t: 10_000 } }
  })
}

/** By nested loops. */
function expected(): string[] {
  const lines: string[] = []
  const paid = new Set<string>()
  for (const order of input('o')) {
    const partners = input('p').filter(
      ({ customer, t }) => customer === order.customer && Math.abs(t - order.t) <= 5,
    )
    for (const { id } of partners) paid.add(id)
    const name = order.customer === 'a' ? 'null' : `name of ${order.customer}`
    const ids = partners.length === 0 ? ['-'] : partners.map(({ id }) => id)
    for (const id of ids) lines.push(`${order.id} ${id} ${name}`)
  }
  for (const { id, customer } of input('p')) {
    if (!paid.has(id)) lines.push(`- ${id} ${customer === 'a' ? 'null' : `name of ${customer}`}`)
  }
  return lines.map((line) => JSON.stringify(line)).toSorted()
}

test('a stream keyed anew, a topic of that key, and a global table over 4 partitions', async () => {
  assert.ok(expected().length > 70, `${expected().length}`)
  assert.ok(expected().some((line) => line.includes(' - ')))
  assert.ok(expected().some((line) => line.startsWith('"-')))
  for (const tasks of ['one', 'per-partition'] as const) {
    const log = openMemoryLog()
    for (const name of ['orders', 'payments']) await log.createTopic(name, { partitions: 4 })
    await log.createTopic('names', { partitions: 3 })
    const records = customers
      .filter((customer) => customer !== 'a')
      .map((customer): ProbeRecord => ({ key: customer, value: `name of ${customer}` }))
    await give(log, 'names', records)
    for (const half of [0, 1]) {
      const { run } = await start(log, joined(), { tasks })
      const part = (all: Order[]): Order[] => all.slice(half * 30, half * 30 + 30)
      const byId = part(input('o')).map((value) => ({ key: value.id, value }))
      const byCustomer = part(input('p')).map((value) => ({ key: value.customer, value }))
      await give(log, 'orders', byId)
      await give(log, 'payments', byCustomer)
      await until('it is read', async () => {
        const offsets = (await log.groups()).flatMap(({ offsets: each }) => each)
        const read = offsets.filter(({ topic: name }) => name === 'orders' || name === 'payments')
        return read.reduce((sum, { offset }) => sum + offset, 0) === (half + 1) * 60
      })
      if (half === 1) {
        await give(log, 'orders', ends('o'))
        await give(log, 'payments', ends('p'))
        await until('all results', async () => {
          return (await texts(log, 'out')).length >= expected().length
        })
      }
      await run.stop()
      await run.done
    }
    assert.deepEqual((await texts(log, 'out')).toSorted(), expected(), tasks)
    for (const name of ['orders.late', 'payments.late', 'orders.dead', 'payments.dead']) {
      assert.deepEqual(await texts(log, name), [], name)
    }
  }
})

test('topics of unequal partition counts cannot be joined in tasks per partition', async () => {
  const log = openMemoryLog()
  await log.createTopic('orders', { partitions: 2 })
  await log.createTopic('payments', { partitions: 4 })
  const pipeline = from(orders).join(from(payments), within('5ms')).to(topic('out'))
  await assert.rejects(start(log, pipeline, { tasks: 'per-partition' }), (thrown) => {
    return isCode(thrown, 'invalid-plan') && /2 and 4 partitions/.test(thrown.message)
  })
  const { run } = await start(log, pipeline, { tasks: 'one' })
  await run.stop()
  await run.done
})

test('topics of unequal partition counts are refused, naming the join', async () => {
  const log = openMemoryLog()
  await log.createTopic('narrow', { partitions: 2 })
  await log.createTopic('wide', { partitions: 3 })
  const [narrow, wide] = ['narrow', 'wide'].map((name) => {
    return from(topic(name, { codec: json<{ k: string }>(), key: ({ k }) => k }))
  })
  const joined = (narrow as NonNullable<typeof narrow>)
    .join(wide as NonNullable<typeof wide>, within('5m'))
    .named('meeting')
  await assert.rejects(start(log, joined.to(topic('out')), { tasks: 'per-partition' }), {
    code: 'invalid-plan',
    at: { pipeline: 'p', step: 'meeting' },
    message: /'narrow' and 'wide' are read together but have 2 and 3 partitions/,
  })
  await log.close()
})
