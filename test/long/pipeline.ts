/** What the long run runs: three kinds of windows, a join, running results, repeats, late data. */
import { count, from, json, max, pipeline, session, sliding, sum } from '../../src/index.ts'
import { topic, tumbling, within } from '../../src/index.ts'

export interface Click {
  readonly id: number
  readonly user: string
  readonly page: string
  readonly value: number
  readonly at: number
}
export interface Order {
  readonly id: number
  readonly customer: string
  readonly cents: number
  readonly at: number
}
export interface Payment {
  readonly order: number
  readonly cents: number
  readonly at: number
}

export const partitions = 2
/** How far records may come out of order; late ones come far behind that. */
export const disorderMs = 500
export const windowMs = 10_000
export const slideMs = 60_000
export const sessionGapMs = 2_000
export const joinMs = 10_000

/** Less than the run: so the file has to give space back. */
const retention = { time: '3m' } as const
const read = { outOfOrder: `${disorderMs}ms`, idle: 'wait', partitions, retention } as const
const written = { codec: json(), partitions, retention } as const

const clicks = topic('clicks', {
  ...read,
  codec: json<Click>(),
  key: (click) => click.user,
  time: (click) => click.at,
})
const orders = topic('orders', {
  ...read,
  codec: json<Order>(),
  key: (order) => String(order.id),
  time: (order) => order.at,
})
const payments = topic('payments', {
  ...read,
  codec: json<Payment>(),
  key: (payment) => String(payment.order),
  time: (payment) => payment.at,
})

export const inputTopics = ['clicks', 'orders', 'payments'] as const
export type InputTopic = (typeof inputTopics)[number]
export const outputTopics = [
  'per-user',
  'per-page',
  'sessions',
  'paid',
  'spent',
  'clicks.late',
  'clicks.dead',
  'payments.late',
] as const
export type OutputTopic = (typeof outputTopics)[number]

const clean = from(clicks).dedupe({ by: (click) => click.id, within: '10s' })
const amounts = { n: count(), sum: sum((click: Click) => click.value) }

export default pipeline(
  'long',
  clean
    .window(tumbling(`${windowMs}ms`))
    .aggregate(amounts)
    .to(topic('per-user', written)),
  clean
    .keyBy((click) => click.page)
    .window(sliding(`${slideMs}ms`, { every: `${windowMs}ms` }))
    .aggregate({ ...amounts, max: max((click: Click) => click.value) })
    .to(topic('per-page', written)),
  clean
    .window(session(`${sessionGapMs}ms`))
    .aggregate(amounts)
    .to(topic('sessions', written)),
  from(orders)
    .join(from(payments), within({ after: `${joinMs}ms` }))
    .to(topic('paid', written)),
  from(orders)
    .keyBy((order) => order.customer)
    .aggregate({ n: count(), cents: sum((order: Order) => order.cents) }, { ttl: '5m' })
    .toStream()
    .to(topic('spent', written)),
)
