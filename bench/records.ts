/**
 * The benchmark's input: simulated purchases, JSON of 200 bytes on average, 10,000 users, 100
 * records a millisecond of event time.
 */
import { BatchBuilder } from '../src/log/batch.ts'
import type { Log } from '../src/log/log.ts'

export const userCount = 10_000

export interface Purchase {
  readonly id: number
  readonly user: string
  readonly at: number
  readonly type: string
  readonly amount: number
  readonly currency: string
  readonly country: string
  readonly device: string
  readonly session: string
  readonly note: string
}

const sessionPrefix = '7f3a9c1e-'
const firstMs = 1_700_000_000_000

export function purchase(i: number): Purchase {
  return {
    id: i,
    user: `user-${(i * 7919) % userCount}`,
    at: firstMs + Math.floor(i / 100),
    type: 'purchase',
    amount: ((i * 37) % 10_000) / 100,
    currency: 'EUR',
    country: 'DE',
    device: 'mobile-ios',
    session: `${sessionPrefix}${1_000_000 + ((i * 7919) % 1_000_003)}`,
    note: 'lorem ipsum dolor sit',
  }
}

export const batchRecords = 500
const appendsInFlight = 8

/**
 * Appends `count` records to a topic of one partition. `prepared` blocks are encoded before the
 * clock starts.
 */
export async function fill(log: Log, topic: string, count: number): Promise<void> {
  const waiting: Promise<unknown>[] = []
  const builder = new BatchBuilder()
  for (let i = 0; i < count; i++) {
    const record = purchase(i)
    builder.add(record.user, JSON.stringify(record), record.at)
    if (builder.count < batchRecords && i < count - 1) continue
    waiting.push(log.append([{ topic, partition: 0, bytes: builder.finish() }]))
    if (waiting.length >= appendsInFlight) await waiting.shift()
  }
  await Promise.all(waiting)
}
