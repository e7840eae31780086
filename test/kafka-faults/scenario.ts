/**
 * What the workers of the fault test run: one pipeline, equal in all of them, over two topics of
 * six partitions. `verify/` knows the same topics by their names alone and computes everything
 * again.
 */
import { count, from, json, last, max, min, sum, topic, tumbling, within } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'

export const partitions = 6
export const pipelineName = 'faults'

/** Keyed by shop. `n` counts the shop's sales from 0. */
export interface Sale {
  readonly id: number
  readonly shop: string
  readonly n: number
  readonly category: string
  readonly order: string
  readonly amount: number
  /** Event time, ms. */
  readonly at: number
}

/** Keyed by truck. `n` counts the truck's shipments from 0. */
export interface Shipment {
  readonly id: number
  readonly truck: string
  readonly n: number
  readonly order: string
  readonly weight: number
  readonly at: number
}

export const salesTopic = 'sales'
export const shipmentsTopic = 'shipments'

/**
 * Event times lie at most this far behind the largest one seen in a partition: none is late,
 * whatever is killed. The topics say so (`outOfOrder`).
 */
export const disorderMs = 400
/** A sale with such an id is refused by a step and must be found among the dead letters. */
export const refusedEvery = 97

/**
 * An input never stops holding event time back: what stalls in a fault must not make others late.
 */
const patient = { outOfOrder: '400ms', idle: 'wait', idleAfter: '1d' } as const

const sales = topic(salesTopic, {
  codec: json<Sale>(),
  key: (sale) => sale.shop,
  time: (sale) => sale.at,
  ...patient,
})
const shipments = topic(shipmentsTopic, {
  codec: json<Shipment>(),
  key: (shipment) => shipment.truck,
  time: (shipment) => shipment.at,
  ...patient,
})

const output = <const N extends string>(name: N) => topic(name, { codec: json(), partitions })

/** Each record's result so far: as many rows as sales, in their order. */
const running: Pipeline = from(sales)
  .aggregate({
    sales: count(),
    smallest: min((sale) => sale.amount),
    largest: max((sale) => sale.amount),
    total: sum((sale) => sale.amount),
    id: last((sale) => sale.id),
  })
  .named('running')
  .to(output('running'))

/** A count under another key, behind a repartition. */
const counts: Pipeline = from(sales)
  .keyBy((sale) => sale.category)
  .aggregate({
    sales: count(),
    id: last((sale) => sale.id),
    shop: last((sale) => sale.shop),
    n: last((sale) => sale.n),
  })
  .named('counts')
  .to(output('counts'))

const windows: Pipeline = from(sales)
  .map((sale) => {
    if (sale.id % refusedEvery === 0) throw new Error(`sale ${sale.id} is refused`)
    return sale
  })
  .window(tumbling('1s'))
  .aggregate({ sales: count(), total: sum((sale) => sale.amount) })
  .named('windows')
  .to(output('windows'))

/** Both sides get another key, so both go through a repartition. */
const joined: Pipeline = from(sales)
  .keyBy((sale) => sale.order)
  .join(
    from(shipments).keyBy((shipment) => shipment.order),
    within('200ms'),
  )
  .named('joined')
  .map(({ left, right }) => ({ order: left.order, sale: left.id, shipment: right.id }))
  .to(output('joined'))

export const pipelines: readonly Pipeline[] = [running, counts, windows, joined]
