import assert from 'node:assert/strict'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { systemClock } from '../../../core/clock.ts'
import { openPlace } from './test-broker.ts'
import { appendOf } from './test-cluster.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

const commits = 1_000

for (const protocol of ['part-1', 'part-2'] as const) {
  kafkaTest(`${protocol}: ${commits} small transactions, one after the other`, async () => {
    const place = await openPlace(brokers, uniqueName('speed'))
    const transactionalId = uniqueName('speed')
    const producer = await openTransactionalProducer({
      ...place.options,
      transactionalId,
      protocol,
      waitFor: 'markers',
    })
    const timesMs: number[] = []
    const before = process.cpuUsage()
    for (let i = 0; i < commits; i++) {
      const startMs = systemClock.monotonic()
      const offsets = [{ topic: place.topic, partition: 0, offset: i, metadata: '' }]
      await producer.commit({
        appends: [appendOf(place.topic, 0, `v${i}`)],
        offsets: () => [{ group: transactionalId, offsets, ownership: null }],
      })
      timesMs.push(systemClock.monotonic() - startMs)
    }
    const { user, system } = process.cpuUsage(before)
    timesMs.sort((a, b) => a - b)
    const at = (share: number): string => (timesMs[Math.floor(commits * share)] ?? 0).toFixed(1)
    const cpuMs = ((user + system) / 1_000 / commits).toFixed(2)
    process.stdout.write(
      `${protocol}: p50 ${at(0.5)} p90 ${at(0.9)} p99 ${at(0.99)} ms, ${cpuMs} ms CPU each\n`,
    )
    assert.ok(Number(at(0.5)) < 100)
    await producer.close()
    assert.equal((await place.read(0)).length, commits)
    await place.close()
  })
}
