/**
 * Tables: what their steps give, and what does not fit. Compiled by the type check, never run: each
 * line below a mark must be an error.
 */
import { collect, count, from, json, mean, table, topic, within } from 'millrace'
import type { Change, Changed, Pipeline, Stream, Table, Top } from 'millrace'
import type { NeedsStream } from '../../src/pipeline/stream.ts'
import type { Equal, Expect } from './equal.ts'

type Order = { id: string; customer: string | null; amount: number }
type Customer = { name: string; city: string }
const orderTopic = topic('orders', { codec: json<Order>(), key: (o) => o.id })
const stream = from(orderTopic)
const keyless = from(topic('keyless', { codec: json<Order>() }))
const orders = table(orderTopic)
const customers = table(topic('customers', { codec: json<Customer>(), key: 'record' }))
const numbered = table(topic('numbered', { codec: json<{ n: number }>(), key: (r) => r.n }))

const perOrder = stream.aggregate({ n: count() }, { ttl: '1d' })
const latest = stream.map((o) => (o.amount > 0 ? o : null)).toTable()
const best = stream.topN(3, { by: (o) => o.amount, order: 'asc' })
const once = stream.dedupe({ by: (o) => o.amount, within: '10m' })
const differing = stream.changes((o) => o.customer)
export type OfStreams = [
  Expect<Equal<typeof perOrder, Table<{ key: string; n: number }, string>>>,
  Expect<Equal<typeof latest, Table<Order, string>>>,
  Expect<Equal<typeof best, Table<Top<string, Order>, string>>>,
  Expect<Equal<typeof once, Stream<Order, string>>>,
  Expect<Equal<typeof differing, Stream<Changed<Order>, string>>>,
]

const mapped = orders.map((o) => (o.amount > 0 ? [o.amount] : null))
const known = orders.filter((o): o is Order & { customer: string } => o.customer !== null)
const rows = orders.toStream()
const changes = orders.changes()
const cities = customers.groupBy((c) => [c.city, c.name.length])
const counted = cities.aggregate({ n: count(), length: mean((c) => c.name.length), all: collect() })
const first = cities.topN(2, { by: (c) => c.name })
export type OfTables = [
  Expect<Equal<typeof orders, Table<Order, string>>>,
  Expect<Equal<typeof mapped, Table<number[], string>>>,
  Expect<Equal<typeof known, Table<Order & { customer: string }, string>>>,
  Expect<Equal<typeof rows, Stream<Order, string>>>,
  Expect<Equal<typeof changes, Stream<Change<Order>, string>>>,
  Expect<
    Equal<
      typeof counted,
      Table<
        { key: readonly [string, number]; n: number; length: number; all: Customer[] },
        readonly [string, number]
      >
    >
  >,
  Expect<
    Equal<typeof first, Table<Top<readonly [string, number], Customer>, readonly [string, number]>>
  >,
]

const inner = orders.join(customers)
const full = orders.join(customers, { type: 'full' })
const owned = orders.join(customers, { on: (o) => o.customer })
const maybe = orders.join(numbered, { on: (o) => o.amount, type: 'left' }).named('maybe')
const enriched = stream.join(customers, { type: 'left', asOf: 'latest' })
export type Joins = [
  Expect<Equal<typeof inner, Table<{ left: Order; right: Customer }, string>>>,
  Expect<Equal<typeof full, Table<{ left: Order | null; right: Customer | null }, string>>>,
  Expect<Equal<typeof owned, Table<{ left: Order; right: Customer }, string>>>,
  Expect<Equal<typeof maybe, Table<{ left: Order; right: { n: number } | null }, string>>>,
  Expect<Equal<typeof enriched, Stream<{ left: Order; right: Customer | null }, string>>>,
]
export const outputs: Pipeline[] = [
  owned.to(topic('owned', { compact: true })),
  perOrder.print({ format: ({ key, n }) => `${key} ${n}` }),
  perOrder.forEach(({ n }, { key, time }) => [n.toFixed(), key.length, time]),
]

// What to do instead is what the compiler shows.
export type Advice = Expect<
  Equal<
    NeedsStream,
    'a table has no such step: .toStream() or .changes() give a stream, .groupBy(fn) groups rows'
  >
>
// @ts-expect-error a table has no key of its own choice
orders.keyBy((o: Order) => o.id)
// @ts-expect-error no windows
orders.window()
// @ts-expect-error not a stream
orders.merge(stream)
// @ts-expect-error not a stream
stream.merge(orders)
// @ts-expect-error no such step
orders.flatMap((o: Order) => [o])
// @ts-expect-error no key
keyless.toTable()
// @ts-expect-error no key
keyless.topN(3, { by: (o) => o.amount })
// @ts-expect-error no key
keyless.dedupe({ within: '1s' })
// @ts-expect-error no key
keyless.changes()
// @ts-expect-error no key
table(topic('x', { codec: json<number>() }))
// @ts-expect-error not a duration
stream.dedupe({ within: '10 minutes' })
// @ts-expect-error has no time
stream.dedupe({ by: (o) => o.id })
// @ts-expect-error an object has no order
stream.topN(3, { by: (o) => o })
// @ts-expect-error no such order
stream.topN(3, { by: (o) => o.amount, order: 'down' })
// @ts-expect-error not a duration
stream.aggregate({ n: count() }, { ttl: 5 })
// @ts-expect-error null is no group
orders.groupBy((o) => o.customer)
// @ts-expect-error a field of its own
cities.aggregate({ key: count() })
// @ts-expect-error the other table has other keys
orders.join(numbered)
// @ts-expect-error the other table has other keys
orders.join(numbered, { on: (o) => o.id })
// @ts-expect-error rows of the right side alone have no key of the left
orders.join(customers, { on: (o) => o.customer, type: 'full' })
// @ts-expect-error tables are joined with tables
orders.join(stream)
// @ts-expect-error how is for streams
orders.join(customers, within('5m'))
// @ts-expect-error may be null
maybe.map(({ right }) => right.n)
// @ts-expect-error rows are no numbers
orders.to(topic('x', { codec: json<number>() }))
