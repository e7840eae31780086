/**
 * Joins: null only on the sides that the type allows, keys of one type. Compiled by the type check,
 * never run: each line below a mark must be an error.
 */
import { asOf, from, globalTable, json, sameWindow, topic, tumbling, within } from 'millrace'
import type { Stream, Window } from 'millrace'
import type { JoinedTable } from '../../src/pipeline/join-types.ts'
import type { Equal, Expect } from './equal.ts'

type Order = { id: string; customer: string; amount: number }
type Payment = { order: string; paid: number }
const orders = from(topic('orders', { codec: json<Order>(), key: (o) => o.id }))
const payments = from(topic('payments', { codec: json<Payment>(), key: (p) => p.order }))
const keyless = from(topic('keyless', { codec: json<Payment>() }))
declare const customers: JoinedTable<{ name: string }, string>
declare const numbered: JoinedTable<{ name: string }, number>
const rates = globalTable(topic('rates', { codec: json<{ eur: number }>(), key: 'record' }))

const inner = orders.join(payments, within('5m'))
const left = orders.join(payments, within({ before: '1m', after: '-0ms' }), { type: 'left' })
const right = orders.join(payments, within({ after: '5m' }), { type: 'right', lateness: '1s' })
const full = orders.join(payments, sameWindow(tumbling('10s')), { type: 'full' })
const forever = orders.join(payments, within('forever'))
const nearest = orders.join(payments, asOf('1s'), { type: 'left' })
export type Streams = [
  Expect<Equal<typeof inner, Stream<{ left: Order; right: Payment }, string>>>,
  Expect<Equal<typeof left, Stream<{ left: Order; right: Payment | null }, string>>>,
  Expect<Equal<typeof right, Stream<{ left: Order | null; right: Payment }, string>>>,
  Expect<
    Equal<
      typeof full,
      Stream<{ window: Window; left: Order | null; right: Payment | null }, string>
    >
  >,
  Expect<Equal<typeof forever, Stream<{ left: Order; right: Payment }, string>>>,
  Expect<Equal<typeof nearest, Stream<{ left: Order; right: Payment | null }, string>>>,
]

const rows = orders.keyBy((o) => o.customer).join(customers)
const latest = orders.join(customers, { type: 'left', asOf: 'latest' })
const versioned = orders.join(customers, { history: '1h' })
const priced = keyless.join(rates, { by: (p) => p.order })
const unpriced = orders.join(rates, { by: (o) => (o.id === '' ? null : o.id), type: 'left' })
const byKey = orders.join(rates)
export type Tables = [
  Expect<Equal<typeof rows, Stream<{ left: Order; right: { name: string } }, string>>>,
  Expect<Equal<typeof latest, Stream<{ left: Order; right: { name: string } | null }, string>>>,
  Expect<Equal<typeof versioned, Stream<{ left: Order; right: { name: string } }, string>>>,
  Expect<Equal<typeof priced, Stream<{ left: Payment; right: { eur: number } }, null>>>,
  Expect<Equal<typeof unpriced, Stream<{ left: Order; right: { eur: number } | null }, string>>>,
  Expect<Equal<typeof byKey, Stream<{ left: Order; right: { eur: number } }, string>>>,
]

// Keys are of one type where literals and read-only arrays make no difference.
const pairs = orders.keyBy((o) => [o.id, o.amount])
const others = from(topic('others', { codec: json<Payment>(), key: (p) => [p.order, p.paid] }))
const sides = orders.keyBy((o) => (o.amount > 0 ? 'plus' : 'minus'))
const paired = pairs.join(others, within('1s'))
const sided = sides.join(payments, within('1s'), { type: 'right' })
export type Keys = [
  Expect<Equal<typeof paired, Stream<{ left: Order; right: Payment }, readonly [string, number]>>>,
  Expect<Equal<typeof sided, Stream<{ left: Order | null; right: Payment }, string>>>,
]

const byPaid = payments.keyBy((p) => p.paid)
// @ts-expect-error string keys and number keys
orders.join(byPaid, within('5m'))
// @ts-expect-error a pair and a string
pairs.join(payments, within('5m'))
// @ts-expect-error the table has other keys
orders.join(numbered)
// @ts-expect-error the left side has no key
keyless.join(payments, within('5m'))
// @ts-expect-error the right side has no key
orders.join(keyless, within('5m'))
// @ts-expect-error no key, and nothing to compute it of
keyless.join(rates)
// @ts-expect-error the table's keys are strings
orders.join(rates, { by: (o) => o.amount })
// @ts-expect-error a global table needs a key
globalTable(topic('x', { codec: json<number>() }))
// @ts-expect-error not how
orders.join(payments)
// @ts-expect-error not how, but how long
orders.join(payments, '5m')
// @ts-expect-error not a duration
within('5 minutes')
// @ts-expect-error a partner may always come
orders.join(payments, within('forever'), { type: 'left' })
// @ts-expect-error nothing is late
orders.join(payments, within('forever'), { lateness: '5s' })
// @ts-expect-error only left rows wait for one
orders.join(payments, asOf('1s'), { type: 'full' })
// @ts-expect-error rows of a table do not come alone
orders.join(customers, { type: 'right' })
// @ts-expect-error no such type
orders.join(payments, within('5m'), { type: 'outer' })
// @ts-expect-error windows are not late here
orders.join(payments, sameWindow(tumbling('1s')), { lateness: '5s' })
// @ts-expect-error may be null
left.map(({ right: payment }) => payment.paid)
