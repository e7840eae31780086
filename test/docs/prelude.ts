/**
 * What the short examples of doc comments take for granted: a few topics, and the parts of Millrace
 * that no door gives. Each example gets the names that it uses and does not declare.
 */
import { from, json, string, topic } from '../../src/index.ts'
import { buildPlan } from '../../src/pipeline/build-plan.ts'
import type { Plan } from '../../src/pipeline/plan.ts'

export { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
export { planJson, planMermaid, planText } from '../../src/pipeline/explain-plan.ts'
export { buildPlan } from '../../src/pipeline/build-plan.ts'

export const lines = topic('lines', { codec: string() })
export const words = topic('words', { codec: string(), key: (word) => word })
export const readings = topic('readings', {
  codec: json<{ device: string; celsius: number; at: number }>(),
  key: (reading) => reading.device,
  time: (reading) => reading.at,
})
const order = json<{ id: number; country: string; product: string; amount: number }>()
export const orders = topic('orders', { codec: order, key: (each) => each.country })
export const payments = topic('payments', { codec: json<{ account: string; amount: number }>() })
export const scores = topic('scores', { codec: json<{ player: string; points: number }>() })
const visit = json<{ user: string; session: string; page: string }>()
export const visits = topic('visits', { codec: visit, key: (each) => each.user })
export const web = topic('web', { codec: string() })
export const mobile = topic('mobile', { codec: string() })
export const kiosk = topic('kiosk', { codec: string() })
export const alerts = topic('alerts', { codec: string() })
export const send = (alert: string, timeMs: number): string => `${alert} at ${timeMs}`
export const plan: Plan = buildPlan(from(words).print(), { name: 'words', repartition: false })
