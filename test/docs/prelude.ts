/**
 * What the short examples of doc comments take for granted: a few topics, and the parts of Millrace
 * that no door gives. Each example gets the names that it uses and does not declare.
 */
import { from, json, string, topic } from '../../src/index.ts'
import { buildPlan } from '../../src/pipeline/build-plan.ts'
import type { Plan } from '../../src/pipeline/plan.ts'

export { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
export { planJson, planMermaid, planText } from '../../src/pipeline/explain-plan.ts'
export { avro } from '../../src/avro.ts'
export { kafka } from '../../src/kafka.ts'
export { mqtt, mqttSource } from '../../src/mqtt.ts'
export { postgres } from '../../src/postgres.ts'
export { jsonSchema, SchemaRegistry } from '../../src/schema-registry.ts'
export { buildPlan } from '../../src/pipeline/build-plan.ts'

export const lines = topic('lines', { codec: string() })
export const words = topic('words', { codec: string(), key: (word) => word })
export const readings = topic('readings', {
  codec: json<{ device: string; celsius: number; at: number }>(),
  key: (reading) => reading.device,
  time: (reading) => reading.at,
})
interface Order {
  readonly id: number
  readonly country: string
  readonly product: string
  readonly amount: number
  readonly currency: string
  readonly customer: string
  readonly state: string
}
const order = json<Order>()
export const orders = topic('orders', { codec: order, key: (each) => each.country })
const payment = json<{ id: string; account: string; amount: number }>()
export const payments = topic('payments', { codec: payment, key: (each) => each.account })
const price = json<{ symbol: string; price: number; at: number }>()
export const trades = topic('trades', { codec: price, key: (each) => each.symbol })
export const quotes = topic('quotes', { codec: price, key: (each) => each.symbol })
const customer = json<{ id: string; name: string; country: string; active: boolean }>()
export const customers = topic('customers', { codec: customer, key: (each) => each.id })
const balance = json<{ id: string; euros: number }>()
export const balances = topic('balances', { codec: balance, key: (each) => each.id })
const player = json<{ name: string; team: string; points: number }>()
export const players = topic('players', { codec: player, key: (each) => each.name })
const offer = json<{ product: string; shop: string; price: number }>()
export const offers = topic('offers', { codec: offer })
const bid = json<{ auction: string; price: number }>()
export const bids = topic('bids', { codec: bid, key: (each) => each.auction })
const request = json<{ path: string; ms: number; hour: number }>()
export const requests = topic('requests', { codec: request, key: (each) => each.path })
const click = json<{ user: string; page: string }>()
export const clicks = topic('clicks', { codec: click, key: (each) => each.user })
const machine = json<{ id: string; state: string }>()
export const machines = topic('machines', { codec: machine, key: (each) => each.id })
const sale = json<{ shop: string; euros: number }>()
export const sales = topic('sales', { codec: sale, key: (each) => each.shop })
export const rates = topic('rates', { codec: json<{ eur: number }>(), key: 'record' })
const login = json<{ user: string; ok: boolean; at: number }>()
export const logins = topic('logins', { codec: login, key: (each) => each.user })
export const scores = topic('scores', { codec: json<{ player: string; points: number }>() })
const visit = json<{ user: string; session: string; page: string }>()
export const visits = topic('visits', { codec: visit, key: (each) => each.user })
export const web = topic('web', { codec: string() })
export const mobile = topic('mobile', { codec: string() })
export const kiosk = topic('kiosk', { codec: string() })
export const alerts = topic('alerts', { codec: string() })
export const send = (alert: string, timeMs: number): string => `${alert} at ${timeMs}`
export const plan: Plan = buildPlan(from(words).print(), { name: 'words', repartition: false })
