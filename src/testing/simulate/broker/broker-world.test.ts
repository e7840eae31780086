/** The engine and the driver on modelled brokers: the same results, whatever the brokers do. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { count, from, json, topic, tumbling } from '../../../index.ts'
import { inputOf } from '../simulation-input.ts'
import { simulateOn } from '../simulate.ts'
import { BrokerWorld } from './broker-world.ts'

interface Event {
  readonly id: string
  readonly at: number
}
const spec = { codec: json<Event>(), key: ({ id }: Event) => id, time: ({ at }: Event) => at }
const events = topic('events', { ...spec, partitions: 2 })
const counts = from(events).window(tumbling('5s')).aggregate({ n: count() }).to(topic('counts'))
const values = Array.from({ length: 60 }, (_, i): Event => ({ id: `k${i % 5}`, at: i * 400 }))
const input = inputOf(events, values)

for (const tasks of ['one', 'per-partition'] as const) {
  test(`the same results on brokers that fail, tasks: ${tasks}`, { timeout: 60_000 }, async () => {
    const on = {
      world: (run: ConstructorParameters<typeof BrokerWorld>[0]) => new BrokerWorld(run),
    }
    const report = await simulateOn(on, counts, { input, seeds: 30, tasks, settle: '2m' })
    assert.equal(report.runs, 30)
    assert.ok(report.commits > 100, JSON.stringify(report))
  })
}
